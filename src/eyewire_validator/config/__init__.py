"""The configuration: settings with types, and the checks that refuse a wrong one."""
