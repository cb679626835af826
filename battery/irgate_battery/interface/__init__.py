"""What a solver is and says: protocol, answer, conventions of coordinates, time limit."""
