# bash completion for modq(1): verbs and options come from `modq help --verbs`, so they never
# differ from the program; names, sites, reasons and languages from the daemon, if it answers.

_modq_options()
{
    modq help --verbs 2>/dev/null | awk -v verb="$1" '$1 == "-" || $1 == verb { for (i = 2; i <= NF; i++) print $i }'
}

_modq_verb()
{
    local i verbs options
    options=" $(modq help --verbs 2>/dev/null | tr '\n' ' ') "
    verbs=" $(modq help --verbs 2>/dev/null | awk '$1 != "-" { printf "%s ", $1 }')"
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ $options == *" ${COMP_WORDS[i]}= "* ]]; then
            i=$((i + 1)) # its value
        elif [[ ${COMP_WORDS[i]} != -* && $verbs == *" ${COMP_WORDS[i]} "* ]]; then
            echo "${COMP_WORDS[i]}"
            return
        fi
    done
}

# What is asked of the daemon: `_modq_ask KEY VERB...` gives the values of a key of the answer, as far as they are words.
_modq_ask()
{
    local key=$1
    shift
    modq --timeout 1 "$@" --json 2>/dev/null | grep -o "\"$key\":\"[A-Za-z0-9._-]*\"" | cut -d '"' -f 4 | sort -u
}

# Names of comments that wait.
_modq_names()
{
    modq --timeout 1 queue --limit 200 --json 2>/dev/null |
        sed -n 's|^{"site":"\([A-Za-z0-9._-]*\)","comment":"\([A-Za-z0-9._-]*\)".*|\1/\2|p'
}

_modq()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb
    COMPREPLY=()
    verb=$(_modq_verb)
    case $before in
    --dir)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --lane)
        mapfile -t COMPREPLY < <(compgen -W "normal escalated" -- "$word")
        return
        ;;
    --closed | --front-page)
        mapfile -t COMPREPLY < <(compgen -W "yes no" -- "$word")
        return
        ;;
    --site)
        mapfile -t COMPREPLY < <(compgen -W "$(_modq_ask site stats)" -- "$word")
        return
        ;;
    --reason) # of several with commas, the last one
        local first=""
        [[ $word == *,* ]] && first=${word%,*},
        mapfile -t COMPREPLY < <(compgen -P "$first" -W "$(_modq_ask code policy)" -- "${word##*,}")
        return
        ;;
    --lang)
        mapfile -t COMPREPLY < <(compgen -W "$(modq --timeout 1 policy --json 2>/dev/null |
            grep -o '"languages":\[[^]]*' | cut -d '[' -f 2 | tr -d '"' | tr ',' ' ')" -- "$word")
        return
        ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_modq_options "$verb" | tr -d =)" -- "$word")
    elif [[ -z $verb || $verb == help ]]; then
        verb=$(modq help --verbs 2>/dev/null | awk '$1 != "-" { print $1 }')
        mapfile -t COMPREPLY < <(compgen -W "$verb" -- "$word")
    elif [[ $verb == submit ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    elif modq help "$verb" 2>/dev/null | grep -q '^ *usage:.*SITE/ID\|^ *SITE/ID'; then
        mapfile -t COMPREPLY < <(compgen -W "$(_modq_names)" -- "$word")
    fi
}

complete -F _modq modq
