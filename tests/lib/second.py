"""Daemons whose policy has second looks."""
import contextlib
import os
import re
import tempfile

from daemon import ROOT

RULES = os.path.join(ROOT, "daemon/policy/house-rules.conf")


@contextlib.contextmanager
def policy_text(percent, site=None):
    """A configuration that names the default policy with that share of second looks, in a file that goes with it, for
    all sites or one."""
    with open(RULES, encoding="utf-8") as file:
        rules = re.sub(r"^version = .*$", f"\\g<0>\nsecond_look = {percent}", file.read(), count=1, flags=re.M)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".conf") as policy:
        policy.write(rules)
        policy.flush()
        line = f'policy = "{policy.name}"\n'
        yield f'site "{site}" {{ {line} }}\n' if site else line
