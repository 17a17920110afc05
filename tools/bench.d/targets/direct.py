"""No proxy at all: the row every other row is compared with."""
from target import Target


class Direct(Target):
    name, what = "direct", "curl -> nginx, plain HTTP, no proxy"
    idle_streams = 0
