// Sets the chosen theme before the page is painted.
try {
  const theme = localStorage.getItem('daybook-theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch { /* storage is off: the system's theme holds */ }
