"""What `import-features` does with a file before anything is written."""
