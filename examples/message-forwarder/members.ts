/** What nodes announce about themselves, and the members as readers see them. */
import { Context, Effect, Layer, Option, Ref, Schema } from "effect"
import type { Member } from "effect-memberlist"
import * as MemberMeta from "effect-memberlist/MemberMeta"
import { Journal } from "./journal.ts"

/** Only the port: the host is that of the member, so nobody can make us call another one. */
export const Presence = MemberMeta.make(Schema.Struct({ http: Schema.Port }))

/** Where a member's HTTP server listens. */
export const urlOf = (member: Member): Option.Option<string> =>
  Option.map(Presence.get(member), ({ http }) => `http://${member.address.replace(/:\d+$/, `:${http}`)}`)

/** The list of members as it is now. */
export class Present extends Context.Service<Present, Ref.Ref<ReadonlyArray<Member>>>()("message-forwarder/Present") {
  static readonly layer = Layer.effect(Present, Ref.make<ReadonlyArray<Member>>([]))
}

/** A row of the list that readers get. */
export const Row = Schema.Struct({
  name: Schema.String,
  /** `away`: not on the list, and its messages are kept. */
  state: Schema.Literals(["alive", "suspect", "dead", "left", "away"]),
  url: Schema.optionalKey(Schema.String),
  isSelf: Schema.Boolean,
  /** How many messages of the node that tells this have yet to get there. */
  waiting: Schema.Int
})

/** The members, and the peers that are away. */
export const rows = Effect.gen(function*() {
  const journal = yield* Journal
  const members = yield* Ref.get(yield* Present)
  const waiting = journal.waiting()
  const present = members.map((member): typeof Row.Type => ({
    name: member.name,
    state: member.state,
    ...Option.match(urlOf(member), { onNone: () => ({}), onSome: (url) => ({ url }) }),
    isSelf: member.name === journal.name,
    waiting: waiting.get(member.name) ?? 0
  }))
  const away = Array.from(waiting).filter(([name]) => !members.some((member) => member.name === name))
    .map(([name, waiting]): typeof Row.Type => ({ name, state: "away", isSelf: false, waiting }))
  return [...present, ...away].toSorted((a, b) => a.name < b.name ? -1 : 1)
})
