/**
 * What a node has accepted and received, on disk, in the order in which its readers get it: one SQLite file.
 *
 * Each write waits for the disk before it is answered; writes that wait at the same time share a commit. The window is
 * what is kept for readers and for nodes that join; own messages are kept for longer while a peer has yet to get them.
 */
import { Clock, Context, Deferred, Effect, Exit, Layer, Option, PubSub, Queue, Schema, Stream } from "effect"
import { randomUUID } from "node:crypto"
import { mkdirSync } from "node:fs"
import * as Path from "node:path"
import { DatabaseSync } from "node:sqlite"

/** The most bytes of a message. */
export const MAX_TEXT = 16_384

export const Text = Schema.String.check(
  Schema.makeFilter((text) => text !== "" && text.isWellFormed() || "expected text in Unicode that is not empty")
)

/** A message as the node that accepted it forwards it. `run` is one start of that node, `number` counts its messages. */
export const Forwarded = Schema.Struct({
  run: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(36)),
  number: Schema.Int.check(Schema.isGreaterThan(0)),
  at: Schema.Int,
  text: Text.check(Schema.makeFilter((text) => Buffer.byteLength(text) <= MAX_TEXT || `at most ${MAX_TEXT} bytes`))
})

/** A message in the journal of this node, `position` in its order. */
export interface Message {
  readonly position: number
  readonly origin: string
  readonly run: string
  readonly number: number
  readonly at: number
  readonly text: string
}

/** In the place of messages that a reader is too late for. */
export interface Missed {
  readonly position: number
  readonly missed: number
}

/** The same at all nodes, and no other message ever has it. */
export const idOf = ({ number, origin, run }: Message): string => `${origin}.${run}.${number}`

export class JournalFull extends Schema.TaggedError<JournalFull>()("JournalFull", { message: Schema.String }) {}
export class JournalFailed extends Schema.TaggedError<JournalFailed>()("JournalFailed", { message: Schema.String }) {}

/** What a peer has of the messages of this node. */
interface Peer {
  /** The journal that it has them in: another one after its disk was replaced. */
  readonly journal: string
  readonly cursor: number
}

export interface Options {
  readonly folder: string
  /** The name of this node. */
  readonly name: string
  /** How many messages are kept for readers and for nodes that join. */
  readonly window: number
  /** How many own messages may wait for a peer, until no more are accepted. */
  readonly capacity: number
}

export class Journal extends Context.Service<Journal, {
  /** Made with the file. */
  readonly id: string
  readonly name: string
  /** Writes a message of this node. */
  readonly accept: (text: string) => Effect.Effect<Message, JournalFull | JournalFailed>
  /** Writes what a peer forwards, and returns how many of these were new. */
  readonly receive: (
    origin: string,
    messages: ReadonlyArray<typeof Forwarded.Type>
  ) => Effect.Effect<number, JournalFailed>
  /** All that comes after a position, without an end. */
  readonly read: (position: number) => Stream.Stream<Message | Missed>
  /** The position before the last `count` messages that are kept. */
  readonly before: (count: number) => number
  /** A position as readers tell it, and none if it is one of another journal. */
  readonly resume: (eventId: string) => Option.Option<number>
  /** Becomes a value with each commit. */
  readonly commits: PubSub.PubSub<void>
  /** How many messages wait for each peer. */
  readonly waiting: () => ReadonlyMap<string, number>
  /** Keeps for this peer what it has yet to get. */
  readonly hold: (peer: string) => void
  /** Keeps nothing for it any longer. */
  readonly release: (peer: string) => void
  /** What to send to a peer next. */
  readonly batchFor: (peer: string) => ReadonlyArray<Message>
  /** A peer has our messages up to this number, in this journal of its own. False: it was another one before. */
  readonly acknowledge: (peer: string, journal: string, number: number) => boolean
}>()("message-forwarder/Journal") {
  static readonly layer = (options: Options): Layer.Layer<Journal, JournalFailed> =>
    Layer.effect(Journal, make(options))
}

const tables = `
  PRAGMA locking_mode = EXCLUSIVE; -- one process
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL; -- fsync with each commit
  CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS message (
    position INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT NOT NULL, run TEXT NOT NULL, number INTEGER NOT NULL,
    at INTEGER NOT NULL, text TEXT NOT NULL, own INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS own_message ON message (number) WHERE own = 1;
  CREATE TABLE IF NOT EXISTS mark (
    origin TEXT, run TEXT, number INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (origin, run)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS peer (name TEXT PRIMARY KEY, journal TEXT NOT NULL, cursor INTEGER NOT NULL) STRICT;
`
/** Messages that are written between two removals of old ones. */
const TRIM_EVERY = 500
/** Runs of peers that are remembered, so that their messages are not taken twice. */
const MAX_MARKS = 10_000
/** The most that is read from the file for a peer or a reader before it has taken it. */
const BATCH = 100
const BATCH_BYTES = 131_072

const failed = (error: unknown) =>
  new JournalFailed({ message: error instanceof Error ? error.message : String(error) })

/** A change that is made within a transaction, and who waits for it. */
interface Write {
  readonly apply: () => () => void
  readonly fail: (error: JournalFailed) => void
}

const make = Effect.fnUntraced(function*({ capacity, folder, name, window }: Options) {
  const db = yield* Effect.acquireRelease(
    Effect.try({
      try: () => {
        mkdirSync(folder, { recursive: true })
        const db = new DatabaseSync(Path.join(folder, "journal.db"))
        try {
          db.exec(tables)
          return db
        } catch (error) {
          db.close()
          throw error
        }
      },
      catch: (error) => new JournalFailed({ message: `${folder}: ${failed(error).message}; is another node using it?` })
    }),
    (db) => Effect.sync(() => db.close())
  )
  const getState = db.prepare("SELECT value FROM state WHERE key = ?")
  const setState = db.prepare("INSERT INTO state VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value")
  const insert = db.prepare(
    "INSERT INTO message (origin, run, number, at, text, own) VALUES (?, ?, ?, ?, ?, ?) RETURNING position"
  )
  const getMark = db.prepare("SELECT number FROM mark WHERE origin = ? AND run = ?")
  const setMark = db.prepare(
    `INSERT INTO mark VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET number = excluded.number, position = excluded.position`
  )
  const columns = "position, origin, run, number, at, text"
  const afterPosition = db.prepare(`SELECT ${columns} FROM message WHERE position > ? ORDER BY position LIMIT ${BATCH}`)
  const afterNumber = db.prepare(
    `SELECT ${columns} FROM message WHERE own = 1 AND number > ? ORDER BY number LIMIT ${BATCH}`
  )
  const firstOwn = db.prepare("SELECT min(number) AS number FROM message WHERE own = 1 AND position > ?")

  const text = (key: string, otherwise: string): string => {
    const value = getState.get(key)?.["value"]
    if (value !== undefined) return String(value)
    setState.run(key, otherwise)
    return otherwise
  }
  const owner = text("name", name)
  if (owner !== name) {
    return yield* new JournalFailed({ message: `${folder}: this is the journal of ${owner}, not of ${name}` })
  }
  const id = text("id", randomUUID().slice(0, 8))
  /** Of this start alone: numbers that a broken disk has lost are then not given to other messages. */
  const run = randomUUID().slice(0, 8)

  /** The last position, the last that was removed, and the last number of an own message. */
  let newest = 0
  let trimmed = 0
  let number = 0
  const load = () => {
    newest = Number(db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'message'").get()?.["seq"] ?? 0)
    trimmed = Number(getState.get("trimmed")?.["value"] ?? 0)
    number = Number(getState.get("number")?.["value"] ?? 0)
  }
  load()

  const peers = new Map<string, Peer>()
  for (const row of db.prepare("SELECT name, journal, cursor FROM peer").all()) {
    peers.set(String(row["name"]), { journal: String(row["journal"]), cursor: Number(row["cursor"]) })
  }
  const addPeer = db.prepare("INSERT INTO peer VALUES (?, ?, ?)")
  /** With the next commit is early enough: a cursor that is too old makes duplicates, and those are dropped. */
  let peersChanged = false
  const storePeers = () => {
    db.exec("DELETE FROM peer")
    for (const [peer, { cursor, journal }] of peers) addPeer.run(peer, journal, cursor)
  }
  const setPeer = (peer: string, value: Peer) => {
    peers.set(peer, value)
    peersChanged = true
  }
  const lowestCursor = () => Math.min(number, ...Array.from(peers.values(), ({ cursor }) => cursor))
  /** Where a peer begins that has none of our messages: with those in the window. */
  const windowStart = () => {
    const first = firstOwn.get(newest - window)?.["number"]
    return typeof first === "number" ? first - 1 : number
  }

  const trim = () => {
    const floor = newest - window
    if (floor < trimmed + TRIM_EVERY) return
    db.prepare("DELETE FROM message WHERE position <= ? AND (own = 0 OR number <= ?)").run(floor, lowestCursor())
    db.exec(`DELETE FROM mark WHERE position <
      (SELECT position FROM mark ORDER BY position DESC LIMIT 1 OFFSET ${MAX_MARKS - 1})`)
    setState.run("trimmed", trimmed = floor)
  }

  const append = (message: Omit<Message, "position">, own: boolean): Message => {
    const { at, number, origin, run, text } = message
    newest = Number(insert.get(origin, run, number, at, text, own ? 1 : 0)?.["position"])
    return { position: newest, origin, run, number, at, text }
  }

  const commits = yield* PubSub.sliding<void>(1)
  const writes = yield* Queue.bounded<Write>(1024)
  const commit = (batch: ReadonlyArray<Write>) => {
    try {
      db.exec("BEGIN")
      const told = batch.map(({ apply }) => apply())
      if (peersChanged) storePeers()
      trim()
      db.exec("COMMIT")
      peersChanged = false
      for (const tell of told) tell()
    } catch (error) {
      // a full disk, for example: nothing of it was written
      if (db.isTransaction) db.exec("ROLLBACK")
      load()
      for (const { fail } of batch) fail(failed(error))
    }
  }
  yield* Queue.takeBetween(writes, 1, 256).pipe(
    Effect.flatMap((batch) => Effect.sync(() => commit(batch))),
    Effect.andThen(PubSub.publish(commits, undefined)),
    Effect.forever,
    Effect.forkScoped
  )
  yield* Effect.addFinalizer(() => Effect.sync(() => commit([])))

  const write = <A, E>(apply: () => Exit.Exit<A, E>): Effect.Effect<A, E | JournalFailed> =>
    Effect.gen(function*() {
      const done = Deferred.makeUnsafe<A, E | JournalFailed>()
      yield* Queue.offer(writes, {
        apply: () => {
          const exit = apply()
          return () => void Deferred.doneUnsafe(done, exit)
        },
        fail: (error) => void Deferred.doneUnsafe(done, Exit.fail(error))
      })
      return yield* Deferred.await(done)
    })

  const batch = (found: ReadonlyArray<Record<string, unknown>>) => {
    let bytes = 0
    return (found as unknown as ReadonlyArray<Message>).filter(({ text }, i) => {
      bytes += Buffer.byteLength(text)
      return i === 0 || bytes <= BATCH_BYTES
    })
  }

  return Journal.of({
    id,
    name,
    accept: Effect.fnUntraced(function*(text) {
      const at = yield* Clock.currentTimeMillis
      return yield* write(() => {
        const held = number - lowestCursor()
        if (held >= capacity) {
          return Exit.fail(new JournalFull({ message: `${held} messages wait for a peer, of at most ${capacity}` }))
        }
        const message = append({ origin: name, run, number: number + 1, at, text }, true)
        setState.run("number", number = message.number)
        return Exit.succeed(message)
      })
    }),
    receive: (origin, messages) =>
      write(() => {
        let added = 0
        for (const { at, number, run, text } of messages) {
          // Each run of a peer sends its messages in order, so the highest number tells which ones are here.
          if (number <= Number(getMark.get(origin, run)?.["number"] ?? 0)) continue
          const { position } = append({ origin, run, number, at, text }, false)
          setMark.run(origin, run, number, position)
          added++
        }
        return Exit.succeed(added)
      }),
    read: (position) =>
      Stream.unwrap(Effect.map(PubSub.subscribe(commits), (committed) =>
        Stream.paginate(
          position,
          Effect.fnUntraced(function*(position): Effect.fn.Return<
            readonly [ReadonlyArray<Message | Missed>, Option.Option<number>]
          > {
            if (position < trimmed) {
              return [[{ position: trimmed, missed: trimmed - position }], Option.some(trimmed)]
            }
            const next = batch(afterPosition.all(position))
            // nothing is queued for a slow reader: it reads from the file when it is ready
            if (next.length === 0) yield* PubSub.take(committed)
            return [next, Option.some(next.at(-1)?.position ?? position)]
          })
        ))),
    before: (count) => Math.max(trimmed, newest - count),
    resume: (eventId) => {
      const [, journal, position] = /^([\da-f]+):(\d{1,15})$/.exec(eventId) ?? []
      return journal === id && Number(position) <= newest ? Option.some(Number(position)) : Option.none()
    },
    commits,
    waiting: () => new Map(Array.from(peers, ([peer, { cursor }]) => [peer, number - cursor])),
    hold: (peer) => {
      if (!peers.has(peer)) setPeer(peer, { journal: "", cursor: windowStart() })
    },
    release: (peer) => {
      if (peers.delete(peer)) peersChanged = true
    },
    batchFor: (peer) => batch(afterNumber.all(peers.get(peer)?.cursor ?? windowStart())),
    acknowledge: (peer, journal, number) => {
      const known = peers.get(peer)
      const isSame = known === undefined || known.journal === "" || known.journal === journal
      setPeer(peer, { journal, cursor: isSame ? Math.max(known?.cursor ?? 0, number) : windowStart() })
      return isSame
    }
  })
})
