"""Quality: how far a decoded picture is from its original, by the measures of the field."""
