# shellcheck shell=bash disable=SC2154 # what the tables before it set
# ---- what works with these tables. Nothing that was typed, and no name that the daemon knows, is ever evaluated.

# Takes the line apart as the shell would. `before` are the words before the one that is completed, and `word` is what that
# one means so far. Readline keeps its first `fixed` characters, up to the last of its COMP_WORDBREAKS, or to the `quote`
# that is open.
_modq_read()
{
    local line=${COMP_LINE:0:COMP_POINT} begun='' c i
    before=() word='' fixed=0 quote='' closed=''
    for ((i = 0; i < ${#line}; i++)); do
        c=${line:i:1}
        if [[ $quote == "'" && $c != "'" || $quote == '"' && $c != [\"\\] ]]; then
            word+=$c
        elif [[ $c == "$quote" ]]; then
            quote='' closed=1
        elif [[ $c == \\ ]]; then
            i=$((i + 1))
            c=${line:i:1}
            [[ $quote == '"' && $c != [\"\\\$\`] ]] && word+=\\
            word+=$c
        elif [[ $c == [\'\"] ]]; then
            quote=$c fixed=${#word}
        elif [[ $c == [[:space:]] ]]; then
            [[ $begun ]] && before+=("$word")
            word='' fixed=0 begun='' closed=''
            continue
        else
            word+=$c
            [[ $c == [=:@] && $COMP_WORDBREAKS == *"$c"* ]] && fixed=${#word}
        fi
        begun=1
    done
}

# The verb among the words before, and what the daemon is to be asked with. `first` is a word that verbs of two words may
# begin with.
_modq_understand()
{
    local i name value plain=() kind list words
    asked=() site='' verb='' first=''
    for ((i = 1; i < ${#before[@]}; i++)); do
        name=${before[i]%%=*}
        if [[ ${before[i]} != -* ]]; then
            plain+=("${before[i]}")
        elif _modq_value "$name"; then
            value=${before[i]#*=}
            [[ ${before[i]} == *=* ]] || { i=$((i + 1)) && value=${before[i]}; }
            value=${value/#\~\//$HOME/}
            case $name in
            --dir | --desk | --key | --as) asked+=("$name=$value") ;;
            --site) site=$value ;;
            esac
        fi
    done
    for name in "${_modq_verbs[@]}"; do
        [[ $name == "${plain[0]}" && -z $verb || $name == "${plain[0]} ${plain[1]}" ]] && verb=$name
    done
    [[ ${#plain[@]} == 1 ]] && first=${plain[0]}
    [[ $verb == help ]] && first=${plain[1]}
    [[ $verb || $first || ${#plain[@]} == 0 ]]
}

# Names that the daemon knows.
_modq_ask()
{
    local line program=modq found
    [[ ${before[0]} == */* ]] && program=${before[0]/#\~\//$HOME/}
    [[ $kind == comments && $word == */* ]] && site=${word%%/*}
    [[ $site ]] && asked+=("--site=$site")
    mapfile -t found < <("$program" "${asked[@]}" completion --values "$kind" 2>/dev/null </dev/null)
    for line in "${found[@]}"; do
        _modq_offer "${line%%$'\t'*}"
    done
}

# Offers a word, with `prefix` before it, when what was typed begins it.
_modq_offer()
{
    local tail=$prefix$1
    [[ $tail == "$word"* ]] || return
    tail=${tail:fixed}
    [[ $quote && $tail == *"$quote" ]] && return # readline would not close the quote behind it
    case $quote in
    "'") tail=${tail//\'/\'\\\'\'} ;;
    '"')
        [[ $tail == *!* ]] && return # cannot be said inside of double quotes
        tail=${tail//\\/\\\\} tail=${tail//\"/\\\"} tail=${tail//\$/\\\$} tail=${tail//\`/\\\`}
        ;;
    *)
        [[ $tail ]] && printf -v tail %q "$tail"
        tail=${tail//\\,/,} # needs no backslash
        ;;
    esac
    COMPREPLY+=("$tail")
}

# The first words of the verbs, or the second ones of those that begin with `first`.
_modq_offer_verbs()
{
    local name last=''
    for name in "${_modq_verbs[@]}"; do
        if [[ $1 ]]; then
            [[ $name == "$1 "* ]] && _modq_offer "${name#* }"
        else
            [[ ${name%% *} == "$last" ]] || _modq_offer "${name%% *}"
            last=${name%% *}
        fi
    done
}

_modq_offer_kind()
{
    local one
    case $kind in
    none | text | words) ;;
    file) compopt -o default 2>/dev/null ;;
    directory) compopt -o dirnames 2>/dev/null ;;
    user) while read -r one; do _modq_offer "$one"; done < <(compgen -u) ;;
    verb) _modq_offer_verbs '' ;;
    *) _modq_ask ;;
    esac
    for one in $words; do
        _modq_offer "$one"
    done
}

_modq()
{
    local before word fixed quote closed asked site verb first options kind='' list='' words='' prefix='' one name
    local IFS=$' \t\n'
    COMPREPLY=()
    _modq_read
    [[ $closed ]] && return # readline and we would not mean the same word
    _modq_understand || return
    name=${before[${#before[@]} - 1]}
    if [[ $word == --*=* ]] && _modq_value "${word%%=*}" "$verb"; then
        prefix=${word%%=*}=
    elif ! { [[ ${#before[@]} -gt 1 && $name == --* ]] && _modq_value "$name" "$verb"; }; then
        name=''
    fi
    if [[ $prefix || $name ]]; then
        [[ $list && ${word#"$prefix"} == *,* ]] && prefix=${word%,*},
        _modq_offer_kind
        return
    fi
    if [[ $word == -* ]]; then
        _modq_takes ''
        one=$options
        options=''
        [[ $verb ]] && _modq_takes "$verb"
        for one in $one $options; do
            _modq_offer "$one"
        done
        return
    fi
    _modq_takes "$verb"
    [[ $first ]] && _modq_offer_verbs "$first"
    [[ $first && $kind == verb ]] || _modq_offer_kind
}

complete -F _modq modq
