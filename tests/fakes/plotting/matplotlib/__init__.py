"""What the program that draws losses asks of its library."""
