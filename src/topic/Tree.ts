/**
 * The rules by which a message reaches everybody: Plumtree (Leitão, Pereira, Rodrigues, "Epidemic Broadcast Trees",
 * SRDS 2007). A message is pushed along links of a tree, and announced beside it; who hears of a message that does not
 * come asks for it, and makes that link one of the tree where nothing comes along the others; a link over which a
 * message comes a second time leaves the tree.
 *
 * Pure: a decision takes the state, an input and the time, and answers the next state and what is to be done.
 *
 * What differs from the paper: members that agree on who takes part agree on a tree (`Overlay`), whose links are never
 * pruned. Where all links begin in the tree and each message prunes some, messages of several publishers at the same
 * time prune each other's, and the tree never settles. Frames may be lost, so a message is announced to neighbours in
 * the tree too, in batches, several times where there are few neighbours; and a digest of what is known fetches what
 * was missed while away.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { VersionedMap } from "../base/VersionedMap.ts"
import * as Packing from "./Packing.ts"
import * as Ranges from "./Ranges.ts"
import { type Body, type Kept, MAX_HOPS, MAX_RANGES, MAX_SPANS, type Message, type Span } from "./TopicFrame.ts"
import * as Window from "./Window.ts"

/** The times and bounds, in milliseconds and pieces. */
export interface Settings {
  readonly window: Window.Bounds
  /** How long announcements are collected. */
  readonly announceDelay: number
  /** How long an announced message may still come by itself. */
  readonly graftDelay: number
}

/** Neighbours that one flush of announcements goes to. */
const FAN_OUT = 6
/** Announcements of a message that each member sends about. */
const ANNOUNCEMENTS = 12
const MOST_FLUSHES = 6
/** Messages that are known by announcement alone. */
const MOST_MISSING = 4_096
/** Of these that one member was the first to announce. */
const MOST_OF_ONE = 1_024
/** Of those that one frame announces, how many are asked for. */
const MOST_ASKED = 512
/** Members that are remembered to have announced the same message. */
const MOST_ANNOUNCERS = 4
/** Questions about one message. From the third on two members are asked at once. */
const MOST_TRIES = 12
const PATIENT_TRIES = 2
/** Messages in a row that had to be asked for before a link is made one of the tree. */
const MOST_SILENT = 3
/** Links in the tree beside those on which all agree; the one that was made first makes room. */
const MOST_GRAFTS = 8
/** Publishers, each life of one counted, whose messages are remembered. */
const MOST_STREAMS = MAX_SPANS

type Link = "eager" | "lazy"

/** What was taken of one publisher in one of its lives. */
interface Known {
  readonly span: Span
  /** When a message of it came last. */
  readonly heard: number
}

/** A message that was announced and has not come. */
interface Missing {
  readonly message: Omit<Message, "payload">
  readonly announcers: ReadonlyArray<string>
  readonly due: number
  readonly tries: number
}

/** A message that is announced at the next flush. */
interface News {
  readonly message: Message
  /** Who is known to have it. */
  readonly except: ReadonlyArray<string>
  readonly left: number
}

export interface State {
  readonly self: string
  readonly epoch: number
  /** The number of our last message. */
  readonly sent: number
  readonly neighbours: ReadonlyArray<string>
  /** The links of the tree on which all agree that have the same list. */
  readonly branches: ReadonlySet<string>
  /** Messages that had to be asked for since one came along the tree. */
  readonly silent: number
  /** The neighbours, and who else is in the tree. */
  readonly links: ReadonlyMap<string, Link>
  readonly participants: ReadonlySet<string>
  readonly seen: VersionedMap<Known>
  readonly window: Window.Window
  readonly missing: VersionedMap<Missing>
  readonly news: VersionedMap<News>
  /** When announcements are sent next. */
  readonly flushAt: number | undefined
  readonly flushes: number
}

export interface Env {
  /** Milliseconds of a clock that never goes back. */
  readonly now: number
  readonly settings: Settings
}

export type Input =
  | { readonly _tag: "Publish"; readonly payload: Uint8Array }
  /** A frame about messages; values for one member alone are none of the tree's. */
  | { readonly _tag: "Received"; readonly from: string; readonly body: Exclude<Body, { readonly _tag: "Direct" }> }
  /** Who takes part now, this member included, and who of them are its neighbours, the nearest first. */
  | {
    readonly _tag: "View"
    readonly participants: ReadonlySet<string>
    readonly neighbours: ReadonlyArray<string>
    /** Who is linked with this member in the tree of all that take part. */
    readonly branches: ReadonlyArray<string>
  }
  /** Time has passed. */
  | { readonly _tag: "Tick" }
  /** Compare what is known with this member. */
  | { readonly _tag: "Sync"; readonly with: string }

export type Directive =
  | { readonly _tag: "Send"; readonly to: ReadonlyArray<string>; readonly body: Body }
  /** A message that came for the first time. */
  | { readonly _tag: "Deliver"; readonly message: Message }
  /** A payload that was there already, or a message that is given up. */
  | { readonly _tag: "Count"; readonly what: "duplicate" | "asked" | "givenUp" | "pruned" | "grafted" }

export type Decision = readonly [State, ReadonlyArray<Directive>]

/** The state of a member that knows nobody. */
export const make = (self: string, epoch: number): State => ({
  self,
  epoch,
  sent: 0,
  neighbours: [],
  branches: new Set(),
  silent: 0,
  links: new Map(),
  participants: new Set(),
  seen: VersionedMap.empty(),
  window: Window.empty,
  missing: VersionedMap.empty(),
  news: VersionedMap.empty(),
  flushAt: undefined,
  flushes: 0
})

/** Whether a `Tick` will be due. */
export const isWaiting = ({ flushAt, missing }: State): boolean => flushAt !== undefined || missing.size > 0

/** When a `Tick` is due, if nothing else happens. */
export const nextDue = (state: State): number | undefined => {
  let due = state.flushAt
  if (state.missing.size > 0) {
    for (const each of state.missing.values()) due = due === undefined ? each.due : Math.min(due, each.due)
  }
  return due
}

const hasSeen = (state: State, message: Omit<Message, "payload">): boolean =>
  Ranges.has(state.seen.get(Window.streamOf(message))?.span.ranges ?? [], message.sequence)

/**
 * The link to a member is in the tree from now on, or is not. Whoever takes part may be in the tree, because lists do
 * not always agree on who is whose neighbour; who is not in it is linked only as a neighbour.
 */
const withLink = (state: State, name: string, link: Link): State => {
  if (state.links.get(name) === link) return state
  const links = new Map(state.links)
  const wasLinked = links.delete(name)
  if (link === "eager" ? state.participants.has(name) : state.neighbours.includes(name)) links.set(name, link)
  else if (!wasLinked) return state
  const next = { ...state, links }
  if (link === "lazy") return next
  const grafts = [...links].flatMap(([other, kind]) => kind === "eager" && !state.branches.has(other) ? [other] : [])
  const [oldest] = grafts
  return grafts.length > MOST_GRAFTS && oldest !== undefined ? withLink(next, oldest, "lazy") : next
}

/** Remembers that a message was taken. Of too many publishers a quarter goes, those heard of least recently. */
const remembered = (seen: VersionedMap<Known>, message: Message, now: number): VersionedMap<Known> => {
  const stream = Window.streamOf(message)
  const known = seen.get(stream)
  const ranges = Ranges.capped(Ranges.add(known?.span.ranges ?? [], message.sequence), MAX_RANGES, message.sequence)
  const span = { origin: message.origin, epoch: message.epoch, ranges }
  let next = seen
  if (known === undefined && seen.size >= MOST_STREAMS) {
    const oldest = seen.values().toSorted((a, b) => a.heard - b.heard).slice(0, MOST_STREAMS / 4)
    for (const each of oldest) next = next.with(Window.streamOf(each.span), undefined)
  }
  return next.with(stream, { span, heard: now })
}

/** Sends a message on along the tree. */
const passOn = (state: State, message: Message, from: string | undefined, hops: number): ReadonlyArray<Directive> => {
  const to = [...state.links].flatMap(([name, link]) =>
    link === "eager" && name !== from && name !== message.origin ? [name] : []
  )
  return to.length === 0
    ? []
    : [{ _tag: "Send", to, body: { _tag: "Data", hops: Math.min(hops + 1, MAX_HOPS), message } }]
}

/** Takes a message that is new: delivers it, pushes it on where that is wanted, and announces it. */
const taken = (
  state: State,
  message: Message,
  { age, from, hops, isPushed }: {
    readonly age: number
    readonly from: string | undefined
    readonly hops: number
    readonly isPushed: boolean
  },
  { now, settings }: Env
): Decision => {
  const directives: ReadonlyArray<Directive> = [
    { _tag: "Deliver", message },
    ...(isPushed ? passOn(state, message, from, hops) : [])
  ]
  const id = Window.idOf(message)
  const left = Math.min(MOST_FLUSHES, Math.max(2, Math.ceil(ANNOUNCEMENTS / Math.max(1, state.links.size))))
  const except = from === undefined || from === message.origin ? [message.origin] : [from, message.origin]
  const next: State = {
    ...state,
    seen: remembered(state.seen, message, now),
    window: Window.added(state.window, { message, from, isPushed, at: now - age }, settings.window, now),
    missing: state.missing.with(id, undefined),
    news: state.news.with(id, { message, except, left }),
    flushAt: state.flushAt ?? now + settings.announceDelay
  }
  return [next, directives]
}

const publish = (state: State, payload: Uint8Array, env: Env): Decision => {
  const message = { origin: state.self, epoch: state.epoch, sequence: state.sent + 1, payload }
  const next = { ...state, sent: message.sequence }
  return taken(next, message, { from: undefined, hops: 0, age: 0, isPushed: true }, env)
}

const pushed = (state: State, from: string, message: Message, hops: number, env: Env): Decision => {
  if (!hasSeen(state, message)) {
    const next = withLink({ ...state, silent: 0 }, from, "eager")
    return taken(next, message, { from, hops, age: 0, isPushed: true }, env)
  }
  const id = Window.idOf(message)
  const duplicate: Directive = { _tag: "Count", what: "duplicate" }
  const entry = state.window.byId.get(id)
  // the network doubled it; the link is as good as before
  if (entry?.from === from && entry.isPushed) return [state, [duplicate]]
  // a comparison of what is known was faster than the tree, which is as good as before
  if (entry?.isPushed === false) {
    const next = withLink({ ...state, window: Window.pushed(state.window, entry) }, from, "eager")
    return [next, [duplicate, ...passOn(next, message, from, hops)]]
  }
  const news = state.news.get(id)
  const next = news === undefined
    ? state
    : { ...state, news: state.news.with(id, { ...news, except: [...news.except, from] }) }
  // of the two links one is too many, and it is none of those on which all agree
  const pruned = !state.branches.has(from) ? from : entry?.from
  if (pruned === undefined || state.branches.has(pruned) || next.links.get(pruned) !== "eager" && pruned !== from) {
    return [next, [duplicate]]
  }
  return [
    withLink(next, pruned, "lazy"),
    [duplicate, { _tag: "Count", what: "pruned" }, { _tag: "Send", to: [pruned], body: { _tag: "Prune" } }]
  ]
}

const announced = (state: State, from: string, spans: ReadonlyArray<Span>, { now, settings }: Env): Decision => {
  let { missing } = state
  const begun = missing.size < MOST_OF_ONE
    ? 0
    : missing.values().filter(({ announcers }) => announcers[0] === from).length
  let room = MOST_ASKED
  let own = MOST_OF_ONE - begun
  for (const { epoch, origin, ranges } of spans) {
    const known = state.seen.get(Window.streamOf({ origin, epoch }))?.span.ranges ?? []
    for (const sequence of Ranges.lacking(ranges, known, room)) {
      room--
      const message = { origin, epoch, sequence }
      const id = Window.idOf(message)
      const before = missing.get(id)
      if (before === undefined) {
        if (missing.size >= MOST_MISSING || own <= 0) continue
        own--
        missing = missing.with(id, { message, announcers: [from], due: now + settings.graftDelay, tries: 0 })
      } else if (before.announcers.length < MOST_ANNOUNCERS && !before.announcers.includes(from)) {
        missing = missing.with(id, { ...before, announcers: [...before.announcers, from] })
      }
    }
  }
  return [missing === state.missing ? state : { ...state, missing }, []]
}

const send = (to: string) => (body: Body): Directive => ({ _tag: "Send", to: [to], body })

const batched = (
  state: State,
  from: string,
  { isAsked, messages }: { readonly isAsked: boolean; readonly messages: ReadonlyArray<Kept> },
  env: Env
): Decision => {
  const directives: Array<Directive> = []
  let next = state
  for (const { age, message } of messages) {
    if (hasSeen(next, message)) {
      directives.push({ _tag: "Count", what: "duplicate" })
      continue
    }
    // it was asked to make the link one of the tree: it is, now that something came over it
    if (isAsked && state.silent >= MOST_SILENT) next = withLink(next, from, "eager")
    // what was asked for repairs the tree, and goes on along it; what was caught up on is announced alone
    const [after, more] = taken(next, message, { from, hops: 0, age, isPushed: isAsked }, env)
    next = after
    directives.push(...more)
  }
  return [next, directives]
}

/** What was heard of within the time in which somebody's window may have it. */
const digest = (state: State, wantsAnswer: boolean, { now, settings }: Env): Body => ({
  _tag: "Digest",
  wantsAnswer,
  spans: state.seen.values().filter(({ heard }) => now - heard <= 2 * settings.window.age).map(({ span }) => span)
})

const compared = (
  state: State,
  from: string,
  { spans, wantsAnswer }: { readonly wantsAnswer: boolean; readonly spans: ReadonlyArray<Span> },
  env: Env
): Decision => {
  const lacking = Window.select(state.window, spans, "lacking", { now: env.now, age: env.settings.window.age })
  const answer: ReadonlyArray<Directive> = wantsAnswer
    ? [{ _tag: "Send", to: [from], body: digest(state, false, env) }]
    : []
  return [state, [...Packing.batches(lacking, false).map(send(from)), ...answer]]
}

const received = (
  state: State,
  from: string,
  body: Extract<Input, { readonly _tag: "Received" }>["body"],
  env: Env
): Decision => {
  switch (body._tag) {
    case "Data":
      return pushed(state, from, body.message, body.hops, env)
    case "Have":
      return announced(state, from, body.spans, env)
    case "Graft": {
      const asked = Window.select(state.window, body.spans, "named", { now: env.now, age: env.settings.window.age })
      return [
        body.isLasting ? withLink(state, from, "eager") : state,
        [
          ...(body.isLasting ? [{ _tag: "Count", what: "grafted" } as const] : []),
          ...Packing.batches(asked, true).map(send(from))
        ]
      ]
    }
    case "Prune":
      return [withLink(state, from, "lazy"), []]
    case "Digest":
      return compared(state, from, body, env)
    case "Batch":
      return batched(state, from, body, env)
  }
}

/** How many neighbours on each side are asked for what was missed: the two beside us on the ring. */
const BESIDE = 2

const viewed = (
  state: State,
  { branches, neighbours, participants }: Extract<Input, { readonly _tag: "View" }>,
  env: Env
): Decision => {
  const begins = state.neighbours.length === 0
  const links = new Map<string, Link>(neighbours.map((name) => [name, "lazy"]))
  // the others may not know yet what changed; what is in the tree stays in it until it is pruned
  for (const [name, link] of state.links) if (link === "eager" && participants.has(name)) links.set(name, link)
  for (const name of branches) links.set(name, "eager")
  const asked = neighbours.slice(0, BESIDE).filter((name) => begins || !state.participants.has(name))
  return [
    { ...state, participants, neighbours, branches: new Set(branches), links },
    asked.length === 0 ? [] : [{ _tag: "Send", to: asked, body: digest(state, true, env) }]
  ]
}

/** Announces what is new to some of the neighbours, others each time. */
const flushed = (state: State, { now, settings }: Env): Decision => {
  const names = [...state.links.keys()]
  const offset = state.flushes * FAN_OUT
  const chosen = names.length <= FAN_OUT
    ? names
    : Array.from({ length: FAN_OUT }, (_, i) => names[(offset + i) % names.length] ?? "")
  const all = state.news.values()
  const directives = chosen.flatMap((to) => {
    const messages = all.flatMap(({ except, message }) => except.includes(to) ? [] : [message])
    return Packing.lists(messages).map((spans) => send(to)({ _tag: "Have", spans }))
  })
  let { news } = state
  for (const each of all) {
    news = news.with(Window.idOf(each.message), each.left > 1 ? { ...each, left: each.left - 1 } : undefined)
  }
  return [
    { ...state, news, flushes: state.flushes + 1, flushAt: news.size > 0 ? now + settings.announceDelay : undefined },
    directives
  ]
}

/** Asks for what was announced and has not come, each time another of those who announced it. */
const askedFor = (state: State, { now, settings }: Env): Decision => {
  const asked = new Map<string, Array<Omit<Message, "payload">>>()
  const directives: Array<Directive> = []
  let { missing, silent } = state
  for (const each of state.missing.values()) {
    if (each.due > now) continue
    const id = Window.idOf(each.message)
    const announcers = each.announcers.filter((name) => state.participants.has(name))
    const turn = Array.from(
      { length: each.tries < PATIENT_TRIES ? 1 : 2 },
      (_, i) => announcers[(each.tries + i) % Math.max(1, announcers.length)]
    )
    const targets = new Set(turn.filter((name) => name !== undefined))
    if (each.tries >= MOST_TRIES || targets.size === 0) {
      directives.push({ _tag: "Count", what: "givenUp" })
      missing = missing.with(id, undefined)
      continue
    }
    const due = now + 2 * settings.graftDelay
    missing = missing.with(id, { ...each, tries: each.tries + 1, due })
    if (each.tries === 0) silent++
    for (const from of targets) {
      const messages = asked.get(from)
      if (messages === undefined) asked.set(from, [each.message])
      else messages.push(each.message)
    }
    directives.push({ _tag: "Count", what: "asked" })
  }
  const isLasting = silent >= MOST_SILENT
  for (const [from, messages] of asked) {
    const frames = Packing.lists(messages).map((spans) => send(from)({ _tag: "Graft", isLasting, spans }))
    directives.push(...frames)
  }
  return [{ ...state, missing, silent }, directives]
}

const ticked = (state: State, env: Env): Decision => {
  const trimmed = { ...state, window: Window.trimmed(state.window, env.settings.window, env.now) }
  const [flush, announcements] = trimmed.flushAt !== undefined && trimmed.flushAt <= env.now
    ? flushed(trimmed, env)
    : [trimmed, []]
  if (flush.missing.size === 0) return [flush, announcements]
  const [next, questions] = askedFor(flush, env)
  return [next, [...announcements, ...questions]]
}

/** Decides. */
export const decide = (state: State, input: Input, env: Env): Decision => {
  switch (input._tag) {
    case "Publish":
      return publish(state, input.payload, env)
    case "Received":
      return received(state, input.from, input.body, env)
    case "View":
      return viewed(state, input, env)
    case "Tick":
      return ticked(state, env)
    case "Sync":
      return [state, [{ _tag: "Send", to: [input.with], body: digest(state, true, env) }]]
  }
}
