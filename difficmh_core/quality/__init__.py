"""Quality: how far a decoded picture is from its original, by the metrics of the field."""
