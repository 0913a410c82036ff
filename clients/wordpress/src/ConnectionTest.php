<?php
namespace Modqd\WordPress;

/** Asks the daemon, and says in words what is wrong. */
final class ConnectionTest
{
    private const SECONDS = 2.0;
    private const EXTENSIONS = ['zmq', 'mbstring'];

    /** @return array{bool, list<string>} whether all is well, and lines for the administrator */
    public function run(): array
    {
        $missing = array_filter(self::EXTENSIONS, static fn (string $name) => !extension_loaded($name));
        if ($missing) {
            /* translators: %s: names of Debian packages */
            return [false, [sprintf(__('PHP lacks extensions: apt-get install %s, and restart php-fpm.', 'modqd'), 'php-' . implode(' php-', $missing))]];
        }
        if (!Settings::complete()) {
            return [false, [__('Give the endpoint and the site name first, and save them. Until then WordPress moderates as ever.', 'modqd')]];
        }
        try {
            return $this->ask();
        } catch (\Throwable $error) {
            return [false, [$error->getMessage(), $this->advice($error)]];
        }
    }

    private function ask(): array
    {
        $front = Connection::front(self::SECONDS);
        try {
            $hello = $front->hello();
            $started = hrtime(true);
            $front->hello();
            $ms = (hrtime(true) - $started) / 1e6;
            /* translators: 1: name and version of the daemon, 2: milliseconds */
            $lines = [sprintf(__('%1$s answers in %2$s ms.', 'modqd'), (string) $hello['server'], number_format_i18n($ms, 1))];
            Policy::renew($front);
            $status = $front->status(Settings::get('site'), ['modqd-connection-test'])[0];
            if (($status['status'] ?? '') === 'denied') {
                return [false, [...$lines, $this->denied()]];
            }
            /* translators: %s: name of the site */
            return [true, [...$lines, sprintf(__('This web server may hand in comments of the site "%s".', 'modqd'), Settings::get('site'))]];
        } finally {
            $front->close();
        }
    }

    private function advice(\Throwable $error): string
    {
        $endpoint = (string) Settings::get('endpoint');
        if ($error instanceof \Modqd\Error && $error->name === 'denied') {
            return $this->denied();
        }
        if (!$error instanceof \Modqd\Error || !$error->keep) {
            return __('Look at the endpoint and the key file: php\'s user must be able to read that, and nobody else (chmod 600, chown www-data).', 'modqd');
        }
        if (str_starts_with($endpoint, 'ipc://')) {
            $path = substr($endpoint, 6);
            return file_exists($path)
                ? __('The socket is there and nobody answers, or this user may not use it: systemctl status modqd, and adduser www-data modqd-front.', 'modqd')
                : sprintf(__('There is no %s: is the daemon running (systemctl status modqd)?', 'modqd'), $path);
        }
        return __('No answer: is the address right and is the daemon running? A key that the daemon does not know, or that has expired, gets no answer either: modq key list.', 'modqd');
    }

    private function denied(): string
    {
        return __('The daemon refuses: the key is for another site or another socket. Look with modq key list; make one with modq key new NAME front --site SITE.', 'modqd');
    }
}
