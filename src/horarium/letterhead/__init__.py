"""What every letter looks like: the frame and the parts that letters, messages and summaries are drawn with."""
