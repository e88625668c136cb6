/**
 * A member list kept from published changes alone, as a subscriber would keep it.
 *
 * @since 0.1.0
 */
import { sameBytes } from "../../base/Address.ts"
import type { Change } from "../../swim/membership/Directive.ts"
import type { Entry } from "../../swim/membership/Entry.ts"
import { isGone } from "../../swim/membership/Entry.ts"

/** Which state a member must have, if any, for each change to make sense. */
const expected: Readonly<Record<Change["_tag"], ReadonlyArray<Entry["state"] | "absent">>> = {
  Joined: ["absent"],
  Updated: ["alive", "suspect"],
  Suspected: ["alive"],
  Recovered: ["suspect"],
  Failed: ["alive", "suspect"],
  Left: ["alive", "suspect"]
}

export class Mirror {
  private readonly members = new Map<string, Entry>()

  get size(): number {
    return this.members.size
  }

  /** Takes a change in; what is wrong with it, if anything. */
  apply({ _tag, entry }: Change): string | undefined {
    const state = this.members.get(entry.name)?.state ?? "absent"
    if (_tag === "Failed" || _tag === "Left") this.members.delete(entry.name)
    else this.members.set(entry.name, entry)
    return expected[_tag].includes(state) ? undefined : `${_tag} ${entry.name} was published while it was ${state}`
  }

  /** How the mirror differs from an entry of the table, if it does. Incarnations alone are not published. */
  differs(entry: Entry): string | undefined {
    const member = this.members.get(entry.name)
    if (isGone(entry)) return member === undefined ? undefined : `the events do not tell that ${entry.name} is gone`
    if (member?.state === entry.state) {
      return sameBytes(member.meta, entry.meta) ? undefined : `the events do not tell ${entry.name}'s metadata`
    }
    return `by the events, ${entry.name} is ${member?.state ?? "absent"}; it is ${entry.state} in the table`
  }
}
