"""How the program looks and in which language it speaks."""
