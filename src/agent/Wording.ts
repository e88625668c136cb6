/**
 * Errors of the library in the words of who asks an agent. Their own messages are for programs that call its functions,
 * and name those; who calls the API, or gives a command, reads what there is to do here.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { name } from "../base/PlainText.ts"
import * as Errors from "../MemberlistError.ts"
import { MetaForeign, MetaFull } from "../MemberMeta.ts"
import * as Topic from "../Topic.ts"

/**
 * Who reads it: a program or a person that calls the API, or who gave a command.
 *
 * @category models
 * @since 0.1.0
 */
export type Reader = "http" | "cli"

const lists = { http: "GET /v1/members lists", cli: "effect-memberlist members lists" } as const
const joins = { http: "POST /v1/join", cli: "effect-memberlist join" } as const
const reliably = { http: "\"reliable\": true", cli: "--reliable" } as const

/**
 * Returns the message of an error for this reader.
 *
 * @category conversions
 * @since 0.1.0
 */
export const of = (error: Error, reader: Reader): string => {
  if (error instanceof Errors.UnknownMember) {
    return `the agent knows no member "${name(error.target)}"; ${lists[reader]} those it sees`
  }
  if (error instanceof Errors.NotParticipating) {
    return `the agent has left its cluster; let it join again first (${joins[reader]})`
  }
  if (error instanceof Errors.MemberlistClosed || error instanceof Topic.TopicClosed) return "the agent is stopping"
  if (error instanceof Errors.MessageTooLarge) {
    const advice = error.carrier === "packet" ? `; send it over a stream (${reliably[reader]})` : ""
    return `a message over a ${error.carrier} is ${error.size} bytes; at most ${error.limit} fit${advice}`
  }
  if (error instanceof MetaFull) {
    const over = error.size - error.limit
    return `the metadata is ${over} ${
      over === 1 ? "byte" : "bytes"
    } too long: ${error.limit} are announced, which the agent's own `
      + "marks are a part of"
  }
  if (error instanceof MetaForeign) {
    return "the agent announces bytes of another form than its own (MEMBERLIST_RAW_META, or those of the program that it "
      + "runs in), and takes part in no topics"
  }
  if (error instanceof Topic.TopicTaken) {
    return `the topic "${name(error.topic)}" is taken by the program that the agent runs in`
  }
  if (error instanceof Topic.ValueTooLarge) {
    return `a value of a topic is ${error.size} bytes; at most ${error.limit} fit`
  }
  return error.message
}
