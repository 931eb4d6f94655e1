"""Both generations of the API on the wire: a query to bytes, and bytes to runs, whatever is wrong with them."""
