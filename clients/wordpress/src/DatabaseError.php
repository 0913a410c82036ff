<?php
namespace Modqd\WordPress;

/** The database refused a statement, or is away. */
final class DatabaseError extends \RuntimeException
{
}
