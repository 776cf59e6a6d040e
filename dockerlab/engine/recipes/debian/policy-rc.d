#!/bin/sh
# A container has no init system: packages must not start their services when installed.
exit 101
