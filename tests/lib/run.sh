#!/bin/sh
# Runs the daemon in ./var and says what to type in a second terminal.
set -eu
build=$1
cat <<EOF
The daemon works in ./var. In a second terminal, from this directory:

  echo '{"site": "news", "id": "1", "body": "A first comment."}' | $build/modq submit
  $build/modq review                 # a moderator's screen; ? has its keys, q leaves it
  $build/modq queue
  $build/modq approve news/1
  $build/modq follow --site news

Ctrl-C here ends it.

EOF
exec "$build/modqd" --dir ./var
