"""irgate_battery: under construction."""
