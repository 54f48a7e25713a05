"""Draw charts as inline SVG that needs no script and no style attribute: pure functions of data, one module a chart."""
