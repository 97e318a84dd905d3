"""What is handed to people: HTML pages of notebooks, the portfolio page, the files of a report's folder."""
