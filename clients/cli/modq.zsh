# ---- what works with these tables. Nothing that was typed, and no name that the daemon knows, is ever evaluated.

# Offers what the daemon knows of a kind, and further words. -l: of several with commas, the last one.
_modq_offer()
{
    local kind line program=modq
    local -a found values shown

    if [[ $1 == -l ]]; then
        shift
        compset -P '*,'
    fi
    kind=$1
    shift
    if [[ $kind != words ]]; then
        [[ $command == */* ]] && program=${command/#\~\//$HOME/}
        [[ $kind == comments && ${(Q)PREFIX} == */* ]] && site=${${(Q)PREFIX}%%/*}
        [[ -n $site ]] && asked+=(--site=$site)
        found=(${(f)"$($program $asked completion --values $kind 2>/dev/null </dev/null)"})
    fi
    for line in $found; do
        values+=(${line%%$'\t'*})
        shown+=(${line/$'\t'/  -- })
    done
    [[ $kind == (reasons|keys|key-numbers) ]] || shown=($values)
    compadd -l -d shown -a values
    (( $# )) && compadd -- $@
}

# The first words of the verbs, or the second ones of those that begin with $1, each with its help.
_modq_offer_verbs()
{
    local name
    local -A verbs
    local -aU heads
    local -a values shown

    _modq_verbs
    for name in ${(ko)verbs}; do
        if [[ -n $1 && $name == "$1 "* ]]; then
            values+=(${name#* })
            shown+=("${(r:12:)name#* } -- $verbs[$name]")
        elif [[ -z $1 && -z ${heads[(r)${name%% *}]} ]]; then
            heads+=(${name%% *})
            values+=(${name%% *})
            shown+=("${(r:12:)name%% *} -- ${verbs[${name%% *}]:-${(j:, :)${(M)${(ko)verbs}:#${name%% *} *}}}")
        fi
    done
    compadd -l -d shown -a values
}

# Takes the words before the cursor apart: `plain` are the numbers of those that are no options, and `asked` and `site` is
# what the daemon is to be asked with.
_modq_read()
{
    local name value
    integer i

    for ((i = 2; i < CURRENT; i++)); do
        name=${(Q)words[i]}
        if [[ $name != -* ]]; then
            plain+=($i)
            continue
        fi
        value=${name#*=}
        if _modq_has_value ${name%%=*}; then
            [[ $name == *=* ]] || value=${(Q)words[++i]}
            value=${value/#\~\//$HOME/}
            case ${name%%=*} in
            --dir|--desk|--key|--as) asked+=(${name%%=*}=$value) ;;
            --site) site=$value ;;
            esac
        fi
    done
}

_modq()
{
    local verb first both site command=${(Q)words[1]}
    local -a plain asked specs
    local -A verbs
    integer i

    _modq_read
    _modq_verbs
    first=${(Q)words[plain[1]]}
    (( $#plain )) || first=
    (( $#plain > 1 )) && both="$first ${(Q)words[plain[2]]}"
    if [[ -n $both && -n $verbs[$both] ]]; then
        verb=$both
        words[plain[2]]=()
        words[plain[1]]=()
        (( CURRENT -= 2 ))
    elif (( $#plain )); then
        [[ -n $verbs[$first] ]] && verb=$first
        [[ -z $verb && $#plain -gt 1 ]] && return 1
        words[plain[1]]=()
        (( CURRENT -= 1 ))
    fi
    _modq_takes ''
    if [[ -n $verb ]]; then
        _modq_takes $verb
        # the second word of a verb of two stands where this one's own argument would
        [[ $#plain == 1 && -n ${(M)${(k)verbs}:#$verb *} ]] && specs=(${specs:#1:*} "1: : _modq_offer_verbs $verb")
        [[ $verb == help && $#plain == 2 ]] && specs=("*: : _modq_offer_verbs ${(q)words[plain[2]-1]}")
    else
        specs+=("1: : _modq_offer_verbs ${(q)first}")
    fi
    _arguments -S $specs
}

if [[ $funcstack[1] == _modq ]]; then
    _modq "$@"
else
    compdef _modq modq
fi
