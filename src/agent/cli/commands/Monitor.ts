/**
 * `monitor`: what happens in the cluster, as it happens, one line each.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as PlainText from "../../../base/PlainText.ts"
import * as Model from "../../Model.ts"
import * as AgentClient from "../AgentClient.ts"
import * as Columns from "../Columns.ts"
import { usage } from "../CommandFailed.ts"
import { contentText } from "../MemberText.ts"
import * as Output from "../Output.ts"
import * as Reconnecting from "../Reconnecting.ts"

const clock = (at: DateTime.Utc): string => DateTime.formatIso(at).slice(11, 23)

const place = ({ address, name }: Model.MemberView): string => `${name} (${address})`

const MAX_NAMES = 8

/** Some names, and how many more there are. */
const listed = (names: ReadonlyArray<string>): string => {
  const shown = names.slice(0, MAX_NAMES).join(", ")
  return names.length > MAX_NAMES ? `${shown} and ${names.length - MAX_NAMES} more` : shown
}

/** What happened, in words, and its colour. */
const story = (event: Model.EventView): Columns.Cell => {
  switch (event.event) {
    case "SplitSuspected":
      return {
        text: `lost together, and perhaps on the other side of a split: ${listed(event.data.lost)}; here: ${
          listed(event.data.present)
        }`,
        color: "red"
      }
    case "Healed": {
      const { missing, name, state } = event.data
      return missing.length > 0
        ? {
          text: `${name} is back; still missing of those that were lost together: ${listed(missing)}`,
          color: "yellow"
        }
        : {
          text: `of those that were lost together nobody is missing any more: ${name} ${
            state === "left" ? "said goodbye" : "is back"
          }`,
          color: "green"
        }
    }
    case "PutAside": {
      const { address, name, reason } = event.data
      return {
        text: `somebody else is where ${
          name === undefined ? "a seed" : `the lost ${name}`
        } was expected, at ${address}: ${reason}`,
        color: "yellow"
      }
    }
  }
  const { member } = event.data
  switch (event.event) {
    case "MemberJoined":
      return { text: `${place(member)} joined`, color: "green" }
    case "MemberUpdated":
      return { text: `${place(member)} changed its metadata to ${contentText(member.meta) || "nothing"}` }
    case "MemberSuspected":
      return { text: event.data.verdict.text, color: "yellow" }
    case "MemberRecovered":
      return { text: event.data.verdict.text, color: "green" }
    case "MemberFailed":
      return { text: event.data.verdict.text, color: "red" }
    case "MemberLeft":
      return { text: `${place(member)} left` }
    case "MemberReachabilityChanged": {
      const { listed, tcp, udpIn, udpOut } = event.data.reachability
      const unlisted = listed === "no" ? ", does not list this agent" : ""
      const ways = `UDP out ${udpOut}, UDP in ${udpIn}, TCP ${tcp}${unlisted}`
      const fails = unlisted !== "" || [udpOut, udpIn, tcp].includes("fails")
      return { text: `${place(member)}: ${ways}`, color: fails ? "red" : "green" }
    }
    case "MemberConflict":
      return {
        text: `the name of ${place(member)} is also claimed from ${event.data.other.address}${
          event.data.replaced ? ", which has it from now on" : ""
        }`,
        color: "red"
      }
  }
}

/**
 * Returns an event as a line: when, and what.
 *
 * @category conversions
 * @since 0.1.0
 */
export const line = (screen: Columns.Screen, event: Model.EventView): string => {
  const { color, text } = story(event)
  const missed = event.data.missed === 0 ? "" : ` (${event.data.missed} events before it were lost)`
  return `${Columns.paint(screen, "dim", clock(event.data.at))} ${
    Columns.paint(screen, color, PlainText.sentence(`${text}${missed}`))
  }`
}

/** What `monitor` was called with. */
export interface Options {
  readonly http: string
  readonly json: boolean
  readonly topic: Option.Option<string>
  readonly messages: boolean
}

const valueLine = (
  screen: Columns.Screen,
  { at, content, from, missed }: {
    readonly at: DateTime.Utc
    readonly content: Model.Content
    readonly from: string
    readonly missed: number
  }
): string => {
  const lost = missed === 0 ? "" : ` (${missed} before it were lost)`
  return `${Columns.paint(screen, "dim", clock(at))} ${Columns.paint(screen, "cyan", PlainText.name(from))} ${
    PlainText.sentence(contentText(content))
  }${lost}`
}

const encodeEvent = Schema.encodeSync(Model.EventView)
const encodeValue = Schema.encodeSync(Model.ValueView)
const encodeMessage = Schema.encodeSync(Model.MessageView)

/** The name of the event beside its data, which is JSON already. */
const named = ({ data, event }: { readonly data: string; readonly event: string }): string =>
  PlainText.json({ event, ...JSON.parse(data) })

/** When and what of the connection, as a line or as an object. */
const notice = Effect.fnUntraced(function*(
  screen: Columns.Screen,
  json: boolean,
  event: "ConnectionLost" | "ConnectionRestored",
  fields: Readonly<Record<string, unknown>>,
  text: string
) {
  const at = yield* DateTime.now
  yield* Console.log(
    json
      ? PlainText.json({ event, at: DateTime.formatIso(at), ...fields })
      : `${Columns.paint(screen, "dim", clock(at))} ${Columns.paint(screen, "yellow", PlainText.sentence(text))}`
  )
})

/**
 * Prints events, values of a topic, or messages, until it is interrupted. When the agent stops, it goes on as soon as
 * there is one again.
 *
 * @category commands
 * @since 0.1.0
 */
export const monitor = Effect.fnUntraced(function*({ http, json, messages, topic }: Options) {
  if (messages && Option.isSome(topic)) {
    return yield* usage("--topic and --messages exclude each other: give one of them")
  }
  const { client, read } = yield* AgentClient.connect(http)
  const screen = yield* Output.screen
  const lines = (opened: Effect.Effect<void>) =>
    Option.isSome(topic)
      ? Stream.map(
        read(client.topics.subscribe({ params: { topic: topic.value } }), opened),
        (event) => json ? named(encodeValue(event)) : valueLine(screen, { ...event.data, content: event.data.value })
      )
      : messages
      ? Stream.map(
        read(client.messages(), opened),
        (event) => json ? named(encodeMessage(event)) : valueLine(screen, event.data)
      )
      : Stream.map(read(client.events(), opened), (event) => json ? named(encodeEvent(event)) : line(screen, event))
  return yield* Reconnecting.forEach(lines, (text) => Console.log(text), {
    lost: ({ message }) =>
      notice(screen, json, "ConnectionLost", { message }, `connection lost, trying again: ${message}`),
    back: (millis) =>
      notice(
        screen,
        json,
        "ConnectionRestored",
        { lostMillis: millis },
        `connected again after ${(millis / 1000).toFixed(1)} s; what happened meanwhile was not seen`
      )
  })
})
