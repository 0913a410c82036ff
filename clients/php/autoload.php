<?php

declare(strict_types=1);

// Loads the classes of Modqd where there is no Composer.
spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, 'Modqd\\')) {
        $file = __DIR__ . '/src/' . strtr(substr($class, 6), '\\', '/') . '.php';
        if (is_file($file)) {
            require $file;
        }
    }
});
