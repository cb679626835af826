"""The checks of the contract suite, by what they look at: answers, arguments, side effects."""
