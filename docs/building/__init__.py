"""What the documentation is built from at build time: the notebooks, and a reference made of the kit itself."""
