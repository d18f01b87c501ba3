"""How the package is supplied: the bounds of what it needs, the environments it is tested in, its bill, its audit."""
