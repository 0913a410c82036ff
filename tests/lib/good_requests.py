"""One good request of each operation, and whatever must be there before it."""
import os

from cases import event, fresh

OWN, FOREIGN = "own", "foreign"
LEASE_MS = 3_600_000      # no claim ends while a test looks for what has changed
BULK = 2                  # more than so many items need the right `bulk`, where a daemon is configured so


def name_of(person):
    """The key's name; `front` is the daemon's own."""
    return "web" if person == "front" else person


class Requests:
    """Makes a good request of each row, and whatever must be there before it. `who` is the person's name at the desk."""

    def __init__(self, daemon, reason):
        self.daemon, self.reason = daemon, reason
        self.front, self.chief = daemon.front(), daemon.desk()
        self.desks = {}

    def acting(self, who):
        """A desk in somebody's name, whatever that one may."""
        if who not in self.desks:
            self.desks[who] = self.daemon.desk(who)
        return self.desks[who]

    def make(self, request, person, site):
        fields = getattr(self, "_" + request, None)
        if not fields:
            raise AssertionError(f"{request}: good_requests.py does not say how to ask for it")
        return fields(name_of(person), {"own": OWN, "foreign": FOREIGN, "-": None}[site])

    # What there must be

    def pending(self, site, count=1):
        items = [{"site": site, "comment": fresh("c-")} for _ in range(count)]
        results = self.front.submit([event(**item) for item in items])
        assert {result["status"] for result in results} == {"accepted"}, results
        return items

    def decided(self, by, site, count=1):
        items = self.pending(site, count)
        results = self.acting(by).approve(items)
        assert {result["status"] for result in results} == {"approved"}, results
        return items, [{"site": site, "seq": result["seq"]} for result in results]

    def escalated(self, site):
        items = self.pending(site)
        assert self.chief.escalate(items)[0]["status"] == "escalated"
        return items

    # Front and push

    def _hello(self, who, site):
        return {}

    def _policy(self, who, site):
        return {"site": site}

    def _status(self, who, site):
        return {"site": site, "comments": [self.pending(site)[0]["comment"]]}

    def _submit(self, who, site):
        return {"comments": [event(site, fresh("c-"))]}

    def _withdraw(self, who, site):
        return self.pending(site)[0]

    def _report(self, who, site):
        return {**self.pending(site)[0], "reader": "r"}

    def _article(self, who, site):
        return {"site": site, "article": {"id": fresh("a-")}}

    def _confirm(self, who, site):
        self.pending(site)
        return {"site": site, "listener": fresh("l-"), "seq": 0}

    def _stream(self, who, site):
        return {"site": site, "credit": 1}

    def _credit(self, who, site):
        return {"stream": "not open", "credit": 1}

    def _cancel(self, who, site):
        return {"stream": "not open"}

    # Desk

    def _list(self, who, site):
        self.pending(site or OWN)
        return {"site": site}

    def _search(self, who, site):
        return {"text": "body", **({"site": site} if site else {})}

    def _list_escalated(self, who, site):
        self.escalated(site or OWN)
        return {"site": site, "lane": "escalated"}

    def _show(self, who, site):
        return self.pending(site)[0]

    _history = _show

    def _batch(self, who, site):
        batch = os.urandom(16)
        for of in (OWN, FOREIGN):
            self.acting(who).approve(self.pending(of), batch=batch)
        return {"batch": batch}

    def _stats(self, who, site):
        return {}

    def _facts(self, who, site):
        self.pending(site or OWN)
        return {"site": site}

    def _claim(self, who, site):
        self.pending(site or OWN)
        return {"site": site, "lease_ms": LEASE_MS}

    def _claim_escalated(self, who, site):
        self.escalated(site)
        return {"site": site, "lane": "escalated", "lease_ms": LEASE_MS}

    def _claim_named(self, who, site):
        return {"comments": self.pending(site), "lease_ms": LEASE_MS}

    def _claim_named_escal(self, who, site):
        return {"comments": self.escalated(site), "lease_ms": LEASE_MS}

    def _release(self, who, site):
        items = self.pending(site)
        assert not self.acting(who).claim(comments=items, lease_ms=LEASE_MS)["refused"]
        return {"comments": items}

    def _renew(self, who, site):
        return {**self._release(who, site), "lease_ms": LEASE_MS}

    def _approve(self, who, site):
        return {"comments": self.pending(site)}

    def _approve_escalated(self, who, site):
        return {"comments": self.escalated(site)}

    def _approve_mine(self, who, site):
        items, _ = self.decided(who, site)
        assert self.acting(who).reject(items, [self.reason], supersede=True)[0]["status"] == "rejected"
        return {"comments": items, "supersede": True}

    def _approve_anothers(self, who, site):
        items, _ = self.decided("somebody", site)
        assert self.acting("somebody").reject(items, [self.reason], supersede=True)[0]["status"] == "rejected"
        return {"comments": items, "supersede": True}

    def _approve_many(self, who, site):
        return {"comments": self.pending(site, BULK + 1)}

    def _reject(self, who, site):
        return {**self._approve(who, site), "reasons": [self.reason]}

    def _reject_escalated(self, who, site):
        return {**self._approve_escalated(who, site), "reasons": [self.reason]}

    def _reject_mine(self, who, site):
        return {"comments": self.decided(who, site)[0], "supersede": True, "reasons": [self.reason]}

    def _reject_anothers(self, who, site):
        return {"comments": self.decided("somebody", site)[0], "supersede": True, "reasons": [self.reason]}

    def _reject_many(self, who, site):
        return {**self._approve_many(who, site), "reasons": [self.reason]}

    def _undo_mine(self, who, site):
        return {"records": self.decided(who, site)[1]}

    def _undo_anothers(self, who, site):
        return {"records": self.decided("somebody", site)[1]}

    def _undo_many(self, who, site):
        return {"records": self.decided(who, site, BULK + 1)[1]}

    _escalate = _erase = _skip = _approve
    _escalate_many = _erase_many = _approve_many
    _escalate_escalated = _skip_escalated = _approve_escalated

    def _note(self, who, site):
        return {**self.pending(site)[0], "note": "n"}

    def _author(self, who, site):
        author = fresh("a-")
        self.pending(site)
        self.chief.author_note(site, author, "n")
        return {"site": site, "author": author}

    def _author_mark(self, who, site):
        self.pending(site)
        return {"site": site, "author": fresh("a-"), "mark": "watched", "note": "n"}

    def _author_note(self, who, site):
        self.pending(site)
        return {"site": site, "author": fresh("a-"), "note": "n"}

    _author_erase = _author

    def _key_add(self, who, site):
        return {"name": fresh("key-"), "role": "front", "public_key": os.urandom(32), "sites": [OWN]}

    def _key_list(self, who, site):
        return {}

    _reload = _audit = _verify = _fsck = _key_list

    def _key_revoke(self, who, site):
        fields = self._key_add(who, site)
        self.chief.key_add(**fields)
        return {"name": fields["name"]}

    def _key_rotate(self, who, site):
        return {**self._key_revoke(who, site), "public_key": os.urandom(32)}
