"""From the body of a track request to rows, or to reasons why not."""
