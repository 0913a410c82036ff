# frozen_string_literal: true

# The conformance driver of the Ruby client: see ../README.md.

require "json"
require "sqlite3"
require_relative "ruby/modqd"

class Driver
  CAN = %w[outbox place_file place_sql push key vectors exchange stream recorded retry_refused].freeze

  def initialize
    @fronts, @streams, @outboxes = {}, {}, {}
  end

  # Answers every line of the input.
  def run
    $stdin.each_line do |line|
      $stdout.puts(JSON.generate(to_json_values(answer(line)), max_nesting: 0))
      $stdout.flush
    end
    [*@fronts.values, *@streams.values].each(&:close)
  end

  private

  def answer(line)
    request = from_json_values(JSON.parse(line, max_nesting: false))
    { "ok" => true, **dispatch(request) }
  rescue Modqd::Error => e
    { "ok" => false, "error" => error_map(e.to_h) }
  rescue KeyError, JSON::ParserError => e
    { "ok" => false, "error" => error_map(Modqd::Error.client("client_bad_argument", e.message).to_h) }
  rescue SystemCallError, SQLite3::Exception => e
    { "ok" => false, "error" => error_map(Modqd::Error.client("client_system", e.message).to_h) }
  end

  def dispatch(request)
    name = "do_#{request.fetch("do")}"
    raise KeyError, "unknown: #{request["do"]}" unless respond_to?(name, true)

    send(name, request)
  end

  def error_map(map) = { "field" => nil, "retry_after_ms" => nil, **map, "keep" => Modqd::Error.new(map).keep? }

  def from_json_values(value)
    case value
    when Hash
      return [value["$bin"]].pack("H*") if value.keys == ["$bin"]

      value.transform_values { |inner| from_json_values(inner) }
    when Array then value.map { |inner| from_json_values(inner) }
    else value
    end
  end

  def to_json_values(value)
    case value
    when Hash then value.to_h { |key, inner| [key, to_json_values(inner)] }
    when Array then value.map { |inner| to_json_values(inner) }
    when String then value.encoding == Encoding::BINARY ? { "$bin" => value.unpack1("H*") } : value
    else value
    end
  end

  def key(request) = request["key"] && Modqd::KeyFile.new(request["key"])

  # What was given of the client's optional arguments.
  def options(request, *names) = names.to_h { |name| [name.to_sym, request[name]] }.compact

  def do_about(_) = { "language" => "ruby", "can" => CAN }
  def do_encode(request) = { "hex" => Modqd::Wire.pack(request["value"]).unpack1("H*") }
  def do_decode(request) = { "value" => Modqd::Wire.unpack([request["hex"]].pack("H*")) }

  def do_exchange(request)
    connection = Modqd::Connection.new(ZMQ::DEALER, request["endpoint"], nil)
    connection.put([request["hex"]].pack("H*"))
    { "reply" => connection.receive(Modqd.now_ms + request["timeout_ms"]) }
  ensure
    connection&.close
  end

  def do_front(request)
    @fronts[request["name"]] =
      Modqd::Front.new(request["endpoint"], key: key(request), **options(request, "timeout_ms", "attempt_ms"))
    {}
  end

  def do_hello(request) = { "answer" => @fronts.fetch(request["front"]).hello }

  def do_submit(request)
    results = @fronts.fetch(request["front"]).submit(request["comments"], **options(request, "traceparent", "timeout_ms"))
    { "results" => results.map { |result| result["error"] ? { **result, "error" => error_map(result["error"]) } : result } }
  end

  def do_call(request) = { "answer" => @fronts.fetch(request["front"]).public_send(request["op"], request["fields"]) }

  def do_push(request)
    push = Modqd::Push.new(request["endpoint"], key: key(request), linger_ms: request["linger_ms"])
    { "unsent" => push.submit(request["comments"]) }
  ensure
    push&.close
  end

  def do_stream(request)
    @streams[request["name"]] =
      Modqd::Stream.new(request["endpoint"], request["site"], open_place(request), key: key(request),
                        **options(request, "credit", "live", "give_up_ms"))
    {}
  end

  def open_place(request)
    place = request["place"]
    return Modqd::Place.new(request["after"] || 0, request["hash"], request["epoch"]) unless place
    return Modqd::PlaceFile.new(place["file"]) if place["file"]

    Modqd::PlaceSql.new(SQLite3::Database.new(place["sql"]), request["site"])
  end

  def do_next(request)
    event = @streams.fetch(request["stream"]).next(request["wait_ms"])
    answer = { "event" => event.kind.to_s, "record" => event.record }.compact
    event.error ? { **answer, "error" => error_map(event.error.to_h) } : answer
  end

  def do_recorded(request)
    @streams.fetch(request["stream"]).recorded
    {}
  end

  def do_place(request)
    place = @streams.fetch(request["stream"]).place
    { "seq" => place.seq, "chain" => place.chain }
  end

  def do_outbox(request)
    @outboxes[request["name"]] = Modqd::Outbox.new(request["path"])
    {}
  end

  def do_keep(request)
    fields = request["op"] == "submit" ? request["fields"]["comment"] : request["fields"]
    @outboxes.fetch(request["outbox"]).keep(request["op"], fields)
    {}
  end

  def do_flush(request)
    done = @outboxes.fetch(request["outbox"]).flush(@fronts.fetch(request["front"]), **options(request, "timeout_ms"))
    { "sent" => done[:sent], "left" => done[:left], "refused" => done[:refused].map { |error| error_map(error.to_h) } }
  end

  def do_retry_refused(request) = { "count" => @outboxes.fetch(request["outbox"]).retry_refused }

  def do_count(request) = { "left" => @outboxes.fetch(request["outbox"]).count }

  def do_close(request)
    @fronts.delete(request["front"])&.close
    @streams.delete(request["stream"])&.close
    @outboxes.delete(request["outbox"])
    {}
  end
end

Driver.new.run
