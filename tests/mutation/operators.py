"""What a mutant changes: cosmic-ray's operators, and four that it lacks.

Of its replacements of one binary operator or comparison by every other, those are taken that a
person might type by mistake; `|` stands in annotations here, and is left alone.
"""

import re
from abc import abstractmethod

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator

LIBRARY = (
    *(
        f"ReplaceBinaryOperator_{pair}"
        for pair in (
            "Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "Pow_Mul", "FloorDiv_Mul", "Mod_Mul",
            "BitAnd_BitOr",
        )
    ),
    *(
        f"ReplaceComparisonOperator_{pair}"
        for pair in (
            "Eq_NotEq", "NotEq_Eq", "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE",
            "GtE_Gt", "GtE_Lt", "Is_IsNot", "IsNot_Is",
        )
    ),
    "ReplaceUnaryOperator_USub_UAdd",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_Invert",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "AddNot",
    "NumberReplacer",
    "ExceptionReplacer",
    "RemoveDecorator",
    "ZeroIterationForLoop",
)  # fmt: skip
"""Of cosmic-ray, by the names that it gives them."""


class _OfNode(Operator):
    """One mutation of each node that fits."""

    @abstractmethod
    def fits(self, node):
        """Return whether the mutation can be made at `node`."""

    def mutation_positions(self, node):
        if self.fits(node):
            yield (node.start_pos, node.end_pos)

    @classmethod
    def examples(cls):
        return ()


class ScaleFloat(_OfNode):
    """A float becomes three times as large, or a third: to add one to 1e-4 is not subtle."""

    FACTORS = (3, 1 / 3)

    def fits(self, node):
        return node.type == "number" and isinstance(eval(node.value), float)

    def mutation_positions(self, node):
        for position in super().mutation_positions(node):
            yield from (position for _ in self.FACTORS)

    def mutate(self, node, index):
        value = eval(node.value) * self.FACTORS[index]
        return parso.python.tree.Number(f" {value!r}", node.start_pos)


class SwapIn(_OfNode):
    """`in` becomes `not in`, and the other way round."""

    def fits(self, node):
        return node.type == "comparison" and node.children[1].get_code().strip() in ("in", "not in")

    def mutate(self, node, index):
        swapped = "not in" if node.children[1].get_code().strip() == "in" else "in"
        node.children[1] = parso.parse(f" {swapped}")
        return node


class NegateFilter(_OfNode):
    """The condition of a comprehension becomes its opposite."""

    def fits(self, node):
        return node.type in ("comp_if", "sync_comp_if")

    def mutate(self, node, index):
        node.children[1] = parso.parse(f" not ({node.children[1].get_code().strip()})")
        return node


class ReturnNone(_OfNode):
    """A function returns `None` in place of its value."""

    def fits(self, node):
        return node.type == "return_stmt" and node.children[1].get_code().strip() != "None"

    def mutate(self, node, index):
        node.children[1] = parso.parse(" None")
        return node


def operators():
    """Yield every operator."""
    for name in LIBRARY:
        yield get_operator(f"core/{name}")()
    yield from (ScaleFloat(), SwapIn(), NegateFilter(), ReturnNone())


def mutants(source):
    """Yield every mutant of a module's source as `(line, before, after, mutated source)`.

    Args:
        source: Python.
    Yields: the number of the first line that differs; it and what stands in its place, without
        indentation (several lines are joined by ` / `); the whole mutated source.
    """
    tree = get_ast(source)
    for operator in operators():
        count = sum(len(list(operator.mutation_positions(node))) for node in ast_nodes(tree))
        for occurrence in range(count):
            mutated = mutate_code(source, operator, occurrence)
            if mutated is None or mutated == source:
                continue
            line, before, after = _difference(source, mutated)
            # The library takes the star before keyword-only arguments for a product.
            if not (re.search(r"(^|[(, ])\*,", before) and "/," in after):
                yield line, before, after, mutated


def _difference(source, mutated):
    old, new = source.splitlines(), mutated.splitlines()
    start = next(n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    before = " / ".join(line.strip() for line in old[start : len(old) - end])
    after = " / ".join(line.strip() for line in new[start : len(new) - end])
    return start + 1, before, after
