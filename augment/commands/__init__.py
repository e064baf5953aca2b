"""What a person sees of a command: progress while it lasts, files and a summary at its end."""
