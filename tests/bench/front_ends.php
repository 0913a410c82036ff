<?php
// What a page does that hands in a comment: it answers when the comment is on the daemon's disk.
require $_SERVER['MODQD_CLIENT'] . '/autoload.php';

$front = new Modqd\Front($_SERVER['MODQD_FRONT']);
echo $front->submit(json_decode($_GET['comment'], true))['status'];
