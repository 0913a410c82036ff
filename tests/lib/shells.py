"""Completion in real shells: what is offered for a line, and what a program gets when somebody types it with tab."""
import os
import pty
import select
import signal
import subprocess
import tempfile
import time

from daemon import MODQ

SHELLS = ("bash", "zsh", "fish")
PATIENCE_S = 20

# Stands for modq on the shell's PATH: keeps what it is called with, but for the questions of the completion.
RECORDER = """#!/bin/sh
for word; do
    [ "$word" != completion ] || exec "$MODQ_REAL" "$@"
done
printf '%s\\0' "$@" > "$MODQ_CALLED.new"
mv "$MODQ_CALLED.new" "$MODQ_CALLED"
"""

BASH = """
source "$MODQ_COMPLETION"
while IFS= read -r COMP_LINE; do
    COMP_POINT=${#COMP_LINE}
    _modq
    for word in "${COMPREPLY[@]}"; do printf '%s\\n' "$word"; done
    printf '\\1\\n'
done
"""

FISH = """
source $MODQ_COMPLETION
while read -l line
    complete -C $line
    printf '\\1\\n'
end
"""

# Matches are written to a file in the place of being shown, and nothing is inserted.
ZSH_LISTING = """
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
    local -a hits
    builtin compadd -A hits "$@"
    (( $#hits )) && print -rl -- "$IPREFIX"$^hits >> $MODQ_HITS
    builtin compadd "$@"
}
listed() { comppostfuncs=(listed); printf '\\1\\n' >> $MODQ_HITS; compstate[insert]= compstate[list]= }
comppostfuncs=(listed)
"""

ZSH = """
PS1='%% ' PROMPT_EOL_MARK=
fpath=($MODQ_HOME $fpath)
autoload -Uz compinit && compinit -u -d $MODQ_HOME/dump
zstyle ':completion:*' completer _complete
bindkey -e
"""


def completion_file(shell):
    return subprocess.run([MODQ, "completion", shell], capture_output=True, check=True).stdout


class Shell:
    """A shell with modq's completion, in a directory of its own.

        with Shell("fish") as shell:
            shell.offers("modq key n")              # ["new"]
            shell.typed("modq key n\\t news-web")    # ["key", "new", "news-web"]
    """

    def __init__(self, name):
        self.name = name
        self._temporary = tempfile.TemporaryDirectory(prefix="mq-shell-", dir="/tmp",
                                                      ignore_cleanup_errors=True)     # fish writes behind its end
        self.dir = self._temporary.name
        self.bin, self.work = os.path.join(self.dir, "bin"), os.path.join(self.dir, "work")
        self.called, self.hits = os.path.join(self.dir, "called"), os.path.join(self.dir, "hits")
        os.mkdir(self.bin), os.mkdir(self.work)
        self.file = self._write("_modq", completion_file(name))
        self._write("bin/modq", RECORDER.encode(), 0o755)
        self._write(".zshrc", ZSH.encode())
        self._write("listing/.zshrc", (ZSH + ZSH_LISTING).encode())
        self._write(".bashrc", b"PS1='$ '\nsource \"$MODQ_COMPLETION\"\nbind 'set enable-bracketed-paste off'\n")
        self._write("config/fish/config.fish", b"function fish_prompt; echo '> '; end\nset fish_greeting\n"
                                               b"set -g fish_autosuggestion_enabled 0\nsource $MODQ_COMPLETION\n")
        self.environment = {
            **os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}", "MODQ_REAL": os.path.abspath(MODQ), "HOME": self.dir,
            "MODQ_CALLED": self.called, "MODQ_HITS": self.hits, "MODQ_HOME": self.dir, "MODQ_COMPLETION": self.file,
            "XDG_CONFIG_HOME": os.path.join(self.dir, "config"), "XDG_DATA_HOME": os.path.join(self.dir, "data"),
            "TERM": "xterm", "LC_ALL": "C.UTF-8", "MODQ_DIR": "", "MODQ_KEY": "", "MODQ_AS": "", "HISTFILE": "",
            "ZDOTDIR": self.dir}
        self.terminal = self._listing = None

    def _write(self, name, content, mode=0o644):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, mode)
        return path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for terminal in (self.terminal, self._listing):
            if terminal:
                terminal.end()
        self._temporary.cleanup()

    # What is offered

    def offers(self, *lines):
        """The words offered for each line, as the shell would put them there; of one line, its list alone."""
        listed = self._offers_zsh(lines) if self.name == "zsh" else self._offers(lines)
        assert len(listed) == len(lines), f"{len(listed)} answers for {len(lines)} lines"
        found = [[entry.split("\t")[0].rstrip() for entry in entries] for entries in listed]
        return found if len(lines) > 1 else found[0]

    def described(self, line):
        """What fish offers, with what it says of it."""
        return dict(entry.split("\t", 1) for entry in self._offers([line])[0] if "\t" in entry)

    def _offers(self, lines):
        command = {"bash": ["bash", "--norc", "-c", BASH], "fish": ["fish", "--no-config", "-c", FISH]}[self.name]
        done = subprocess.run(command, input="".join(line + "\n" for line in lines), capture_output=True, text=True,
                              cwd=self.work, env=self.environment, timeout=120)
        assert not done.stderr, done.stderr
        return [part.strip("\n").split("\n") if part.strip("\n") else [] for part in done.stdout.split("\1\n")[:-1]]

    def _offers_zsh(self, lines):
        if not self._listing:
            self._listing = Terminal(["zsh", "-i"], self.work, {**self.environment, "ZDOTDIR": self.dir + "/listing"})
        listed = []
        for line in lines:
            self._write("hits", b"")
            self._listing.send("\x15" + line + "\t")
            listed.append(self._listing.wait(self._all_hits).split("\1\n")[0].split("\n")[:-1])
        return listed

    def _all_hits(self):
        with open(self.hits, encoding="utf-8") as file:
            hits = file.read()
        return hits if "\1" in hits else None

    # What is typed

    def start(self):
        if not self.terminal:
            command = {"bash": ["bash", "--rcfile", os.path.join(self.dir, ".bashrc"), "-i"], "zsh": ["zsh", "-i"],
                       "fish": ["fish", "-i"]}[self.name]
            self.terminal = Terminal(command, self.work, self.environment)
        return self.terminal

    def typed(self, keys):
        """Types a line, in parts where a tab needs its time, and returns what modq was called with."""
        terminal = self.start()
        if os.path.exists(self.called):
            os.unlink(self.called)
        for part in keys.replace("\t", "\t\0").split("\0"):
            terminal.send(part)
            terminal.settle()
        terminal.send("\r")
        words = terminal.wait(self._call)
        terminal.settle()
        return words

    def _call(self):
        try:
            with open(self.called, "rb") as file:
                return [word.decode() for word in file.read().split(b"\0")[:-1]]
        except FileNotFoundError:
            return None


class Terminal:
    """A program on a terminal of 200 columns."""

    def __init__(self, command, directory, environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvpe(command[0], command, {**environment, "COLUMNS": "200", "LINES": "50"})
        self.received = bytearray()
        self.settle(1.0)

    def send(self, text):
        os.write(self.fd, text.encode())

    def _read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            part = os.read(self.fd, 65536)
        except OSError:
            return False
        self.received += part
        return bool(part)

    def settle(self, quiet=0.15):
        """Reads until nothing has come for a while."""
        deadline = time.monotonic() + PATIENCE_S
        while self._read(quiet) and time.monotonic() < deadline:
            pass

    def wait(self, condition):
        deadline = time.monotonic() + PATIENCE_S
        while (result := condition()) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"nothing came of it; the terminal has {bytes(self.received[-2000:])!r}")
            self._read(0.02)
        return result

    def end(self):
        try:
            os.kill(self.pid, signal.SIGHUP)
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)
        os.close(self.fd)
