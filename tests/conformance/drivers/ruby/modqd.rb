# frozen_string_literal: true

# A front end's client for modqd, written from proto/PROTOCOL.md. It needs the gems ffi-rzmq and msgpack.
#
#   front = Modqd::Front.new("ipc:///var/lib/modqd/front.sock")
#   results = front.submit([{ site: "news", comment: "c1", body: "First!" }])
#
#   stream = Modqd::Stream.new("ipc:///var/lib/modqd/front.sock", "news", Modqd::PlaceFile.new("news.place"))
#   while (event = stream.next(60_000))
#     case event.kind
#     when :record then show_or_hide(event.record); stream.recorded
#     when :failed then raise event.error
#     end
#   end
#
# Whatever goes wrong is a Modqd::Error, or a SystemCallError of a file. No object may be used by two threads at a time. Times that
# end in _ms are milliseconds.

require "ffi-rzmq"
require "fileutils"
require "msgpack"

module Modqd
  # A refusal of the daemon, or a fault of the client's own: then `number` is below 0.
  class Error < StandardError
    CLIENT = { "client_timeout" => [-1, "retry"], "client_cannot_connect" => [-2, "retry"],
               "client_bad_argument" => [-3, "fix"], "client_bad_reply" => [-5, "local"],
               "client_system" => [-7, "local"] }.freeze

    KINDS = %w[retry fix denied final].freeze

    # The error map, as PROTOCOL.md has it.
    attr_reader :to_h

    # What the daemon said, if that is an error map.
    def self.told(map)
      sound = map.is_a?(Hash) && map["number"].is_a?(Integer) && KINDS.include?(map["class"]) &&
              map.values_at("name", "message").all?(String) && [Integer, NilClass].any? { |type| type === map["retry_after_ms"] } &&
              [String, NilClass].any? { |type| type === map["field"] }
      sound ? new(map) : client("client_bad_reply", "an error that is none")
    end

    def self.client(name, message, field = nil)
      number, kind = CLIENT.fetch(name)
      new({ "number" => number, "name" => name, "class" => kind, "message" => message, "field" => field }.compact)
    end

    def initialize(map)
      @to_h = map
      super("#{map["name"]}: #{map["message"]}")
    end

    def name = to_h["name"]
    def kind = to_h["class"]
    def field = to_h["field"]
    def retry_after_ms = to_h["retry_after_ms"]

    # Keep the request, and send it later: it may succeed then.
    def keep? = kind == "retry"

    # The same error about another field, such as an item's place in a longer list.
    def about(field) = Error.new(to_h.merge("field" => field))
  end

  def self.now_ms = Process.clock_gettime(Process::CLOCK_MONOTONIC, :float_millisecond)

  # Puts bytes under a name so that a crash leaves either the old file or the whole new one; and perhaps the temporary file, which
  # is written over next time. One writer at a time.
  def self.write_durably(path, bytes, temporary = "#{path}.tmp")
    File.open(temporary, "wb", 0o600) { |file| file.write(bytes) && file.fsync }
    File.rename(temporary, path)
    sync_directory(File.dirname(path))
  end

  def self.sync_directory(path) = File.open(path, &:fsync)

  # Messages to bytes and back. A String whose encoding is ASCII-8BIT is bin, any other is str. Whoever answers may be anybody:
  # what is no message is `client_bad_reply`.
  module Wire
    def self.pack(value)
      MessagePack.pack(value)
    rescue StandardError, SystemStackError => e
      raise Error.client("client_bad_argument", "cannot be packed: #{e.message[0, 200]}")
    end

    def self.unpack(bytes)
      message = expect(Hash, MessagePack.unpack(bytes), "a message")
      expect_text(message)
      message
    rescue MessagePack::UnpackError, EOFError, NoMemoryError, SystemStackError => e   # 32 bits may ask for any memory
      raise Error.client("client_bad_reply", "a message that cannot be unpacked: #{e.message}")
    end

    # The value, when it has that type.
    def self.expect(type, value, name)
      type === value ? value : raise(Error.client("client_bad_reply", "#{name} is a #{value.class}"))
    end

    # Keys are str, and every str is UTF-8.
    def self.expect_text(value)
      case value
      when Hash then value.each { |key, inner| expect_text(expect(String, key, "a key")) && expect_text(inner) }
      when Array then value.each { |inner| expect_text(inner) }
      when String then value.valid_encoding? || raise(Error.client("client_bad_reply", "a text that is not UTF-8"))
      end
      true
    end

    # How many values the daemon counts in it: keys and containers count.
    def self.values(value)
      case value
      when Hash then 1 + value.each_value.sum { |inner| 1 + values(inner) }
      when Array then 1 + value.sum { |inner| values(inner) }
      else 1
      end
    end
  end

  # The file that `modq key new` writes.
  class KeyFile
    attr_reader :public_key, :secret_key, :server_key, :endpoints

    def initialize(path)
      @sections = parse(path)
      @public_key, @secret_key = %w[public-key secret-key].map { |name| needed(path, "curve", name) }
      @server_key = needed(path, "metadata", "server-key")
      @endpoints = @sections["metadata"].slice("front", "push", "decisions", "desk")
    end

    private

    def parse(path)
      sections = Hash.new { |hash, name| hash[name] = {} }
      section = nil
      private_lines(path).each do |line|
        if line =~ /\A([\w-]+)\s*\z/
          section = $1
        elsif line =~ /\A\s+([\w-]+)\s*=\s*"([^"]*)"\s*\z/
          sections[section][$1] = $2
        end
      end
      sections
    end

    def private_lines(path)
      File.open(path, encoding: "UTF-8") do |file|
        others = file.stat.mode & 0o077
        raise Error.client("client_bad_argument", "#{path} can be read by others than its owner") unless others.zero?

        file.read.scrub.lines
      end
    rescue SystemCallError => e
      raise Error.client("client_system", "the key file cannot be read: #{e.message}")
    end

    def needed(path, section, name)
      value = @sections[section][name]
      return value if value&.size == 40

      raise Error.client("client_bad_argument", "#{path} has no #{name} of 40 characters in its section #{section}")
    end
  end

  # One ZeroMQ socket, connected. It is closed after a time-out, and never used again.
  class Connection
    # key: a KeyFile or nil. linger_ms: how long `close` waits for what was sent and has not left.
    def initialize(type, endpoint, key, linger_ms: 0, options: {})
      @context = ZMQ::Context.new
      ObjectSpace.undefine_finalizer(@context)  # at the end of the program it would wait for a socket that is still open
      @socket = @context.socket(type)
      curve = key ? { ZMQ::CURVE_SERVERKEY => key.server_key, ZMQ::CURVE_PUBLICKEY => key.public_key,
                      ZMQ::CURVE_SECRETKEY => key.secret_key } : {}
      { ZMQ::LINGER => linger_ms, **options, **curve }.each { |name, value| check(@socket.setsockopt(name, value)) }
      check(@socket.connect(endpoint))
      @poller = ZMQ::Poller.new
    end

    # False when the socket takes nothing now.
    def put(bytes) = @socket.send_string(bytes, ZMQ::DONTWAIT) >= 0

    # The next message, or nil when none came until then (on the clock of Modqd.now_ms).
    def receive(deadline)
      return unless ready?(ZMQ::POLLIN, deadline)

      frames = []
      @socket.recv_strings(frames, ZMQ::DONTWAIT)
      raise Error.client("client_bad_reply", "#{frames.size} frames instead of one") if frames.size != 1

      Wire.unpack(frames.first)
    end

    def writable?(deadline) = ready?(ZMQ::POLLOUT, deadline)

    def close
      @socket.close
      @context.terminate
    end

    private

    def ready?(events, deadline)
      @poller.register(@socket, events)
      loop do
        left = [deadline - Modqd.now_ms, 0].max
        found = @poller.poll(left.ceil)
        return found.positive? if found.positive? || left.zero?
      end
    end

    def check(code)
      return if code >= 0

      why = ZMQ::Util.error_string
      close
      raise Error.client("client_cannot_connect", why)
    end
  end

  # How long to wait before a repeat: twice as long each time, up to a minute.
  class Pauses
    FIRST_MS = 100
    LONGEST_MS = 60_000

    def initialize = reset
    def reset = @next_ms = FIRST_MS

    # error: what the repeat is for; it may ask for a longer pause.
    def next_ms(error)
      pause = [@next_ms, error.retry_after_ms || 0].max
      @next_ms = [@next_ms * 2, LONGEST_MS].min
      pause
    end
  end

  # The comments of one `submit`, and what became of each.
  class Submission
    MAX_VALUES = 20_000
    OWN_VALUES = 16     # at most so many of a message are not its comments'
    OWN_BYTES = 256

    # W3C Trace Context, version 00.
    TRACEPARENT = /\A00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}\z/

    SUCCESS = %w[accepted duplicate].freeze

    Item = Struct.new(:index, :comment, :bytes, :values)

    # In the order of the comments.
    attr_reader :results

    # traceparent: goes into `extra` of each where it is well-formed; or nil.
    def initialize(comments, traceparent)
      @traceparent = traceparent if TRACEPARENT.match?(traceparent)
      @results = Array.new(comments.size)
      @items = comments.each_with_index.map { |comment, index| Item.new(index, comment) }
      @ids = {}
    end

    # Those that were not answered, or that a repeat may mend.
    def waiting = @items.select { |item| @results[item.index].nil? || keep?(item) }

    # The error that asks for the longest pause, or nil when nothing is waiting.
    def hindrance
      errors = @items.select { |item| keep?(item) }.map { |item| Error.new(@results[item.index]["error"]) }
      errors.max_by { |error| error.retry_after_ms || 0 }
    end

    # The same for the same comments, so that a repeat has the same bytes. The block gives a new one.
    def id(batch) = @ids[batch.map(&:index)] ||= yield

    # What is waiting, in lists that each fit into one message.
    def batches(limits)
      room = limits["max_message_bytes"] - OWN_BYTES
      waiting.each { |item| pack(item, limits) }
      large, fit = waiting.partition { |item| item.bytes.bytesize > room }
      large.each { |item| refuse([item], Submission.too_long(item.bytes.bytesize, room)) }
      fit.each_with_object([]) do |item, batches|
        batches << [] if batches.empty? || full?([*batches.last, item], limits["max_batch"], room)
        batches.last << item
      end
    end

    def message(id, batch)
      packer = MessagePack::Packer.new
      packer.write_map_header(4)
      ["v", 1, "op", "submit", "id", id, "comments"].each { |value| packer.write(value) }
      packer.write_array_header(batch.size)
      packer.to_s + batch.map(&:bytes).join
    end

    def settle(batch, results)
      unless results.is_a?(Array) && results.size == batch.size && results.all?(Hash)
        raise Error.client("client_bad_reply", "not one result for each comment")
      end

      batch.zip(results) do |item, result|
        stored = SUCCESS.include?(result["status"]) && result["error"].nil?
        stored ? @results[item.index] = result : refuse([item], Error.told(result["error"]))
      end
    end

    def refuse(batch, error)
      batch.each do |item|
        comment = item.comment.is_a?(Hash) ? item.comment.transform_keys(&:to_s) : {}
        @results[item.index] = { **%w[site comment revision].to_h { |name| [name, comment[name]] },
                                 "status" => error.name, "error" => about(item, error).to_h }
      end
    end

    # Those that have no result yet get this one.
    def give_up(error) = refuse(@items.reject { |item| @results[item.index] }, error)

    private

    # The daemon would drop the connection, and never answer: a comment that fits into no message is refused here.
    def self.too_long(bytes, most)
      Error.new({ "number" => 27, "name" => "too_long", "class" => "fix", "message" => "larger than a message may be",
                  "field" => "comments[0]", "max" => most, "bytes" => bytes })
    end

    # One comment that cannot be packed is refused without the others.
    def pack(item, limits)
      comment = traced(item.comment, limits["extra_bytes"])
      item.bytes = Wire.pack(comment)
      item.values = Wire.values(comment)
    rescue Error => e
      refuse([item], e.about("comments[0]"))
    end

    # The comment with the traceparent, unless it has one, or no room for it.
    def traced(comment, extra_bytes)
      return comment unless @traceparent && comment.is_a?(Hash)

      comment = comment.transform_keys(&:to_s)
      extra = comment["extra"] || {}
      return comment if !extra.is_a?(Hash) || extra.key?("traceparent") || extra.key?(:traceparent)

      traced = { **extra, "traceparent" => @traceparent }
      Wire.pack(traced).bytesize > extra_bytes ? comment : comment.merge("extra" => traced)
    end

    def keep?(item) = @results.dig(item.index, "error", "class") == "retry"

    def full?(batch, most, room)
      batch.size > most || batch.sum { |item| item.bytes.bytesize } > room ||
        batch.sum(&:values) > MAX_VALUES - OWN_VALUES
    end

    # The daemon names an item by its place in the message; the caller knows its place in the whole list.
    def about(item, error)
      error.field ? error.about(error.field.sub(/\Acomments\[\d+\]/, "comments[#{item.index}]")) : error
    end
  end

  # Hands in comments, and whatever else the front socket answers. Connects when it is first used: that must be after a fork.
  class Front
    # timeout_ms: of a request with its repeats; attempt_ms: of each.
    def initialize(endpoint, key: nil, timeout_ms: 15_000, attempt_ms: 5_000)
      @endpoint, @key, @timeout_ms, @attempt_ms = endpoint, key, timeout_ms, attempt_ms
      @id = 0
    end

    def hello(**options) = call("hello", {}, **options)
    def withdraw(fields, **options) = call("withdraw", fields, **options)
    def article(fields, **options) = call("article", fields, **options)
    def status(fields, **options) = call("status", fields, **options)
    def policy(fields, **options) = call("policy", fields, **options)
    def confirm(fields, **options) = call("confirm", fields, **options)
    def report(fields, **options) = call("report", Front.dated(fields), **options)

    # With the time of a report a repeat is harmless.
    def self.dated(report) = { "at" => (Time.now.to_f * 1000).to_i, **report.transform_keys(&:to_s) }

    # Any operation with one answer: the daemon's map without `v`, `id`, `op` and `ok`. Repeats it while it may succeed.
    def call(op, fields, timeout_ms: @timeout_ms)
      fields = fields.transform_keys(&:to_s)
      id = next_id
      message = Wire.pack({ "v" => 1, "op" => op, "id" => id, **fields })
      repeat(Modqd.now_ms + timeout_ms) { |deadline| exchange(id, message, deadline) }
    end

    # Results in the order of the comments, each as the daemon's: `status`, and `error` (a map) of what was not taken. What got
    # no answer has the status `client_timeout`. Send again later what has an error of the class `retry`.
    # traceparent: of the request that brought them (W3C Trace Context); moderators' cards show it in `extra`.
    def submit(comments, traceparent: nil, timeout_ms: @timeout_ms)
      submission = Submission.new(comments, traceparent)
      repeat(Modqd.now_ms + timeout_ms) { |deadline| submit_round(submission, deadline) }
      submission.results
    rescue Error => e
      submission.give_up(e)
      submission.results
    end

    def close
      @connection&.close
      @connection = @limits = nil
    end

    private

    # Calls the block until it returns, raises what a repeat does not mend, or time is up.
    def repeat(deadline)
      pauses = Pauses.new
      begin
        yield deadline
      rescue Error => e
        pause = pauses.next_ms(e)
        raise if !e.keep? || Modqd.now_ms + pause >= deadline

        sleep(pause / 1000.0)
        retry
      end
    end

    def next_id = @id += 1

    # One attempt. After a time-out the socket goes: it would queue one more copy each time.
    def exchange(id, message, deadline)
      @connection ||= Connection.new(ZMQ::DEALER, @endpoint, @key)
      reply = reply(id, [deadline, Modqd.now_ms + @attempt_ms].min) if @connection.put(message)
      raise Error.client("client_timeout", "no answer from #{@endpoint}") unless reply
      raise Error.told(reply["error"]) if reply["ok"] == false

      Wire.expect(TrueClass, reply["ok"], "ok")
      reply.except("v", "id", "op", "ok")
    rescue Error => e
      close if e.to_h["number"].negative?
      raise
    end

    # The reply to the request under way. One without an id is for it, too: no other is unanswered on this connection.
    def reply(id, deadline)
      while (reply = @connection.receive(deadline))
        return reply if [id, nil].include?(reply["id"])
      end
    end

    # The limits are asked for on every new socket: another daemon may be there, and a message above its limit is never answered.
    def submit_round(submission, deadline)
      return if submission.waiting.empty?

      @limits ||= ask_limits(deadline)
      submission.batches(@limits).each { |batch| submit_batch(submission, batch, deadline) }
      hindrance = submission.hindrance
      raise hindrance if hindrance
    end

    def ask_limits(deadline)
      id = next_id
      limits = exchange(id, Wire.pack({ "v" => 1, "op" => "hello", "id" => id }), deadline)["limits"]
      Wire.expect(Hash, limits, "limits").each { |name, limit| Wire.expect(Integer, limit, name) }
    end

    # When a whole message is wrong, because one comment is nested too deep, say, its halves are sent alone.
    def submit_batch(submission, batch, deadline)
      id = submission.id(batch) { next_id }
      submission.settle(batch, exchange(id, submission.message(id, batch), deadline)["results"])
    rescue Error => e
      if e.kind == "fix" && batch.size > 1
        batch.each_slice((batch.size + 1) / 2) { |half| submit_batch(submission, half, deadline) }
      else
        submission.refuse(batch, e)
        raise if e.keep?
      end
    end
  end

  # Hands in comments that may be lost: nothing is answered.
  class Push
    # linger_ms: how long `submit` waits for a connection, and `close` for what has not left.
    def initialize(endpoint, key: nil, linger_ms: 1_000)
      @linger_ms = linger_ms
      @connection = Connection.new(ZMQ::PUSH, endpoint, key, linger_ms: linger_ms, options: { ZMQ::IMMEDIATE => 1 })
    end

    # How many were not taken by the system within linger_ms, because there was no connection. One message for each comment, so
    # that a bad one takes no other with it; one that cannot be packed is an error before anything is sent.
    def submit(comments)
      messages = comments.map { |comment| Wire.pack({ "v" => 1, "op" => "submit", "comments" => [comment] }) }
      deadline = Modqd.now_ms + @linger_ms
      messages.count { |message| !(@connection.writable?(deadline) && @connection.put(message)) }
    end

    def close = @connection.close
  end

  # Where a stream goes on: number and chain of the last record that was applied. In memory.
  class Place
    attr_reader :seq, :chain, :epoch

    # epoch: where the chain of a place above 0 is not known.
    def initialize(seq = 0, chain = nil, epoch = nil)
      @seq, @chain, @epoch = seq, chain, epoch
    end

    def store(seq, chain) = (@seq, @chain = seq, chain)

    # After `diverged`: a new stream with this place begins at 1, and the first record that is stored takes the old place. When the
    # program ends before that, the next stream is `diverged` once more.
    def forget = (@seq, @chain, @epoch = 0, nil, nil)
  end

  # A place in a file of its own.
  class PlaceFile < Place
    def initialize(path)
      @path = path
      super(*(File.exist?(path) ? parse(File.binread(path)) : []))
    end

    def store(seq, chain)
      Modqd.write_durably(@path, "#{seq} #{chain.unpack1("H*")}\n")
      super
    end

    private

    def parse(text)
      text =~ /\A(\d+) (\h{64})\n\z/ or raise Error.client("client_bad_argument", "#{@path} holds no place")
      [$1.to_i, [$2].pack("H*")]
    end
  end

  # A place in the SQLite database that holds the comments, too. Apply a record and call Stream#recorded in one transaction;
  # when that is rolled back, open a new stream.
  class PlaceSql < Place
    # db: a SQLite3::Database
    def initialize(db, site)
      @db, @site = db, site
      db.execute("CREATE TABLE IF NOT EXISTS modqd_place (site TEXT PRIMARY KEY, seq INTEGER NOT NULL, chain BLOB NOT NULL)")
      super(*db.execute("SELECT seq, chain FROM modqd_place WHERE site = ?", [site]).first)
    end

    def store(seq, chain)
      @db.execute("REPLACE INTO modqd_place VALUES (?, ?, ?)", [@site, seq, SQLite3::Blob.new(chain)])
      super
    end
  end

  # The records of a site, in order and without gaps, however often the connection or the daemon goes. It works while `next` runs:
  # call that at least every third of the daemon's `credit_timeout_ms`, or the stream is opened anew each time.
  class Stream
    # kind: :record (`record`: it); :level (everything that was there has come); :lost (the connection is, and a new one is made
    # without you); :end (of a replay); :none (nothing in that time); :failed (`error`: a Modqd::Error; the stream is over).
    #
    # After :failed with `diverged` the daemon lost a part of the past: set every comment of the site aside, call Place#forget, open a
    # new stream, and show nothing before :level.
    Event = Struct.new(:kind, :record, :error)

    DEFAULT_CREDIT = 500
    MISSED_BEATS = 2.5      # two heartbeats in a row, and a little for one that is late

    # What is applied: its `seq` and `chain`.
    attr_reader :place

    # credit: how many records may come before `recorded`. live: false ends when level. give_up_ms: fails when no stream could be
    # opened for so long; nil: never.
    def initialize(endpoint, site, place, key: nil, credit: DEFAULT_CREDIT, live: true, attempt_ms: 5_000, give_up_ms: nil)
      @endpoint, @site, @place, @key, @live = endpoint, site, place, key, live
      @wanted_credit, @attempt_ms, @give_up_ms = credit, attempt_ms, give_up_ms
      @events = []
      @pauses = Pauses.new
      @open_at = 0
    end

    # The next event within that time.
    def next(wait_ms)
      deadline = Modqd.now_ms + wait_ms
      start_giving_up unless @open
      loop do
        give_credit if @open
        return hand_out(@events.shift) if @events.any?
        return @over if @over
        return Event.new(:none) unless step(deadline)
      end
    end

    # The last record is applied: stores its place. The credit for it is given by `next`, when your transaction is done.
    def recorded
      raise Error.client("client_bad_argument", "no record came yet") unless @handed

      @place.store(@handed["seq"], @handed["chain"])
      @free = @used
    end

    def close
      @connection&.close
      @connection = @open = nil
    end

    private

    def hand_out(event)
      case event.kind
      when :record then (@handed = event.record) && @used += 1
      when :level then @level_told = true
      end
      event
    end

    # Waits for one thing to happen. False when nothing did before the deadline.
    def step(deadline)
      return connect(deadline) unless @connection

      message = @connection.receive([deadline, @silent_at, @credit_at].compact.min)
      if message
        take(message)
      elsif Modqd.now_ms >= @silent_at
        open_anew(Error.client("client_timeout", "nothing was heard from #{@endpoint}"))
      else
        return Modqd.now_ms < deadline
      end
      true
    rescue Error => e
      over(e)
    end

    def connect(deadline)
      wake_at = [deadline, @open_at].min
      sleep([wake_at - Modqd.now_ms, 0].max / 1000.0)
      return false if Modqd.now_ms < @open_at

      @connection = Connection.new(ZMQ::DEALER, @endpoint, @key)
      @silent_at = [Modqd.now_ms + @attempt_ms, @give_up_at].compact.min
      request("hello", "hello")
      true
    rescue Error => e
      open_anew(e)
    end

    def request(op, id, fields = {})
      sent = @connection.put(Wire.pack({ "v" => 1, "op" => op, "id" => id, **fields }.compact))
      open_anew(Error.client("client_timeout", "#{@endpoint} takes nothing")) unless sent
    end

    def over(error)
      close
      @over = Event.new(:failed, nil, error)
    end

    # Closes the connection; a new one goes on after the last record that was applied.
    def open_anew(error)
      @events.clear
      @events << Event.new(:lost) if @open
      close
      start_giving_up
      now = Modqd.now_ms
      return over(error) if @give_up_at && now >= @give_up_at

      @open_at = [now + @pauses.next_ms(error), @give_up_at].compact.min
      true
    end

    def start_giving_up = @give_up_at ||= @give_up_ms && (Modqd.now_ms + @give_up_ms)

    def take(message)
      case message.values_at("id", "op")
      in ["hello", _] then greeted(message)
      in ["stream", "stream"] then opened(message)
      in ["stream", "records"] then Wire.expect(Array, message["records"], "records").each { |record| received(record) if @open }
      in ["stream", "level"] then level
      in ["stream", "heartbeat"] then beat(message)
      in ["stream", "ended"] then ended(Error.told(message["error"]))
      else refused(message)
      end
      @silent_at = Modqd.now_ms + @heartbeat_ms * MISSED_BEATS if @open
    end

    def greeted(reply)
      return refused(reply) unless reply["ok"]

      max_credit = Wire.expect(Hash, reply["limits"], "limits")["max_credit"]
      @credit = [@wanted_credit, Wire.expect(Integer, max_credit, "max_credit")].min
      request("stream", "stream", "site" => @site, "after" => @place.seq, "hash" => @place.chain, "epoch" => @place.epoch,
                                  "credit" => @credit, "live" => @live)
    end

    def opened(reply)
      return refused(reply) unless reply["ok"]

      @heartbeat_ms = Wire.expect(Integer, reply["heartbeat_ms"], "heartbeat_ms")
      @alive_every_ms = Wire.expect(Integer, reply["credit_timeout_ms"], "credit_timeout_ms") / 3.0
      @credit_at = Modqd.now_ms + @alive_every_ms
      @received = @place.seq
      @used = @free = 0
      @open = true
      @give_up_at = nil
    end

    def refused(reply)
      return unless reply["ok"] == false

      error = Error.told(reply["error"])
      error.keep? ? open_anew(error) : over(error)
    end

    def received(record)
      seq, chain = Wire.expect(Hash, record, "a record").values_at("seq", "chain")
      Wire.expect(String, chain, "chain")
      return open_anew(gap(seq)) if seq != @received + 1

      @pauses.reset
      @received = seq
      @events << Event.new(:record, record)
    end

    # Told once, though each stream that is opened anew has one.
    def level
      @events << Event.new(:level) unless @level_told
      return if @live

      close
      @over = Event.new(:end)
    end

    def beat(message)
      return open_anew(gap(message["sent"])) if Wire.expect(Integer, message["sent"], "sent") > @received

      @pauses.reset
    end

    def gap(seq) = Error.client("client_bad_reply", "record #{@received + 1} did not come, but #{seq}")

    # Credit for a stream that went with a silent reconnection is answered by not_found.
    def ended(error) = error.keep? || error.name == "not_found" ? open_anew(error) : over(error)

    def give_credit
      enough = @free >= [@credit / 2, 1].max
      return unless enough || Modqd.now_ms >= @credit_at

      @credit_at = Modqd.now_ms + @alive_every_ms
      free = enough ? @free : 0
      @used -= free
      @free -= free
      request("credit", nil, "stream" => "stream", "credit" => free)
    end
  end

  # Requests kept in files of a directory until the daemon has taken them. Any number of processes may use one.
  class Outbox
    OF_THE_CONNECTION = %w[unknown_operation unsupported_version as_required].freeze

    OPERATIONS = %w[submit withdraw report].freeze
    BATCH = 256

    # Makes the directory where there is none.
    def initialize(path)
      @path, @refused, @lock = path, File.join(path, "refused"), File.join(path, "lock")
      FileUtils.mkdir_p(@refused, mode: 0o700)
      [@path, File.dirname(@path)].each { |directory| Modqd.sync_directory(directory) }
    end

    # On disk when this returns. fields: of `submit`, one comment event.
    def keep(op, fields)
      raise Error.client("client_bad_argument", "#{op} cannot be kept", "op") unless OPERATIONS.include?(op)

      fields = Front.dated(fields) if op == "report"
      bytes = Wire.pack({ "op" => op, "fields" => fields })
      locked(@lock) do |lock|
        number = [lock.read.to_i + 1, (Time.now.to_f * 1_000_000).to_i].max
        Modqd.write_durably(File.join(@path, format("%020d", number)), bytes, File.join(@path, "new"))
        lock.rewind
        lock.write(number)
      end
    end

    def count = files.size

    # Sends what is kept, in order. What can never be taken goes to the directory `refused`, and its error into the answer. Ends
    # with the first that may be taken later.
    def flush(front, timeout_ms: 15_000)
      done = { sent: 0, refused: [] }
      deadline = Modqd.now_ms + timeout_ms
      locked("#{@lock}.flush", File::LOCK_NB) do
        runs { |op, run| break unless send_run(front, op, run, deadline, done) }
      end
      { **done, left: count }
    end

    # Puts back what was set aside, where it was before, and returns how many.
    def retry_refused
      back = files(@refused)
      back.each { |file| File.rename(File.join(@refused, file), File.join(@path, file)) }
      [@path, @refused].each { |directory| Modqd.sync_directory(directory) }
      back.size
    end

    private

    def files(directory = @path) = Dir.children(directory).grep(/\A\d{20}\z/).sort

    # Does nothing where another has the lock and `how` says not to wait.
    def locked(path, how = 0)
      File.open(path, File::RDWR | File::CREAT, 0o600) { |lock| yield lock if lock.flock(File::LOCK_EX | how) }
    end

    # Yields an operation and what is kept of it, without another in between: [[file, fields], ...].
    def runs
      files.each_slice(BATCH) do |slice|
        kept = slice.map { |file| [file, *read(file)] }
        kept.slice_when { |a, b| a[1] != b[1] || a[1] != "submit" }.each do |run|
          yield run[0][1], run.map { |file, _, fields| [file, fields] }
        end
      end
    end

    # Operation and fields; nothing of a file that holds no request.
    def read(file)
      Wire.unpack(File.binread(File.join(@path, file))).values_at("op", "fields")
    rescue Error
      []
    end

    # False when something of it is to be sent later.
    def send_run(front, op, run, deadline, done)
      left_ms = [deadline - Modqd.now_ms, 0].max
      errors = op == "submit" ? submit(front, run, left_ms) : [call(front, op, run.dig(0, 1), left_ms)]
      run.zip(errors) { |(file, _), error| settle(file, error, done) }
      errors.none? { |error| error && stays?(error) }
    end

    def submit(front, run, timeout_ms)
      results = front.submit(run.map(&:last), timeout_ms: timeout_ms)
      results.map { |result| result["error"] && Error.new(result["error"]) }
    end

    def call(front, op, fields, timeout_ms)
      return Error.client("client_bad_argument", "a file that holds no request") unless op && fields.is_a?(Hash)

      front.call(op, fields, timeout_ms: timeout_ms)
      nil
    rescue Error => e
      e
    end

    # Some errors say nothing of the request, only of where the connection leads to.
    def stays?(error) = error.keep? || OF_THE_CONNECTION.include?(error.name)

    def settle(file, error, done)
      path = File.join(@path, file)
      if error.nil?
        File.unlink(path)
        done[:sent] += 1
      elsif !stays?(error)
        File.rename(path, File.join(@refused, file))
        done[:refused] << error
      end
    end
  end
end
