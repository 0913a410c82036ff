<?php
// For tests only: a persistent object cache, as WordPress' drop-in wp-content/object-cache.php. Redis keeps what every process
// shares, and each process keeps what it has seen in memory, as all such drop-ins do. Where there is a file old-object-cache
// beside WordPress it is one as they were made before WordPress 6.1: it cannot empty its memory alone.

class WP_Object_Cache
{
    public array $cache = [];
    private Redis $redis;
    private int $site = 1;
    private array $global = [];
    private array $memoryOnly = [];

    public function __construct()
    {
        $this->redis = new Redis();
        $this->redis->connect(dirname(ABSPATH) . '/redis.sock');
        $this->redis->setOption(Redis::OPT_SERIALIZER, Redis::SERIALIZER_PHP);
    }

    public function get($key, $group, bool $force, &$found)
    {
        $name = $this->name($key, $group);
        if (!array_key_exists($name, $this->cache) || $force && !$this->inMemoryOnly($group)) {
            $kept = $this->inMemoryOnly($group) ? false : $this->redis->get($name);
            if ($kept === false) {
                unset($this->cache[$name]);
                $found = false;
                return false;
            }
            $this->cache[$name] = $kept[0];
        }
        $found = true;
        $value = $this->cache[$name];
        return is_object($value) ? clone $value : $value;
    }

    /** @param array $options of Redis' SET: nx for what is not there yet, xx for what is there */
    public function set($key, $value, $group, $seconds, array $options = []): bool
    {
        $name = $this->name($key, $group);
        if ($this->inMemoryOnly($group)) {
            $there = array_key_exists($name, $this->cache);
            if (in_array($there ? 'nx' : 'xx', $options, true)) {
                return false;
            }
        } elseif (!$this->redis->set($name, [$value], $options + ($seconds > 0 ? ['ex' => (int) $seconds] : []))) {
            return false;
        }
        $this->cache[$name] = is_object($value) ? clone $value : $value;
        return true;
    }

    public function delete($key, $group): bool
    {
        $name = $this->name($key, $group);
        $there = array_key_exists($name, $this->cache);
        unset($this->cache[$name]);
        return $this->inMemoryOnly($group) ? $there : $this->redis->del($name) > 0;
    }

    public function add($key, $value, $group, $seconds): bool
    {
        return !wp_suspend_cache_addition() && $this->set($key, $value, $group, $seconds, ['nx']);
    }

    public function change($key, int $by, $group)
    {
        $value = $this->get($key, $group, true, $found);
        return $found && $this->set($key, max(0, (int) $value + $by), $group, 0) ? max(0, (int) $value + $by) : false;
    }

    public function flush(): bool
    {
        $this->cache = [];
        return $this->redis->flushDB();
    }

    public function addGlobalGroups(array $groups): void
    {
        $this->global += array_fill_keys($groups, true);
    }

    public function addMemoryOnlyGroups(array $groups): void
    {
        $this->memoryOnly += array_fill_keys($groups, true);
    }

    public function switchTo(int $site): void
    {
        $this->site = $site;
    }

    private function inMemoryOnly($group): bool
    {
        return isset($this->memoryOnly[$group]);
    }

    private function name($key, $group): string
    {
        $group = $group ?: 'default';
        return (isset($this->global[$group]) ? '' : $this->site) . ":$group:$key";
    }
}

function wp_cache_init()
{
    $GLOBALS['wp_object_cache'] = new WP_Object_Cache();
    $GLOBALS['wp_object_cache']->switchTo(get_current_blog_id());
}

function wp_cache_get($key, $group = '', $force = false, &$found = null)
{
    return $GLOBALS['wp_object_cache']->get($key, $group, (bool) $force, $found);
}

function wp_cache_set($key, $data, $group = '', $expire = 0)
{
    return $GLOBALS['wp_object_cache']->set($key, $data, $group, $expire);
}

function wp_cache_add($key, $data, $group = '', $expire = 0)
{
    return $GLOBALS['wp_object_cache']->add($key, $data, $group, $expire);
}

function wp_cache_replace($key, $data, $group = '', $expire = 0)
{
    return $GLOBALS['wp_object_cache']->set($key, $data, $group, $expire, ['xx']);
}

function wp_cache_delete($key, $group = '')
{
    return $GLOBALS['wp_object_cache']->delete($key, $group);
}

function wp_cache_incr($key, $offset = 1, $group = '')
{
    return $GLOBALS['wp_object_cache']->change($key, (int) $offset, $group);
}

function wp_cache_decr($key, $offset = 1, $group = '')
{
    return $GLOBALS['wp_object_cache']->change($key, -(int) $offset, $group);
}

function wp_cache_flush()
{
    return $GLOBALS['wp_object_cache']->flush();
}

function wp_cache_close()
{
    return true;
}

function wp_cache_add_global_groups($groups)
{
    $GLOBALS['wp_object_cache']->addGlobalGroups((array) $groups);
}

function wp_cache_add_non_persistent_groups($groups)
{
    $GLOBALS['wp_object_cache']->addMemoryOnlyGroups((array) $groups);
}

function wp_cache_switch_to_blog($site)
{
    $GLOBALS['wp_object_cache']->switchTo((int) $site);
}

if (!is_file(dirname(ABSPATH) . '/old-object-cache')) {
    function wp_cache_flush_runtime()
    {
        $GLOBALS['wp_object_cache']->cache = [];
        return true;
    }

    function wp_cache_supports($feature)
    {
        return $feature === 'flush_runtime';
    }
}
