"""What a process of ours keeps to: its threads, its memory, its log, and an end within seconds."""
