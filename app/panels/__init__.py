"""One panel a step of the loop."""
