"""What it adds up to: figures kept up to date, and summaries of a day, a week or a month."""
