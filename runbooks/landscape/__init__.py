"""The landscape file: Markdown in and out, through frozen dataclasses. Pure: imports no Django."""
