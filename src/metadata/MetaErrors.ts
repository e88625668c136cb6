/**
 * Why a member's section cannot be read, or this node's own not be written.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { name as shownName, sentence } from "../base/PlainText.ts"

/**
 * A member's metadata has the magic, and what follows does not decode: another version of the layout, a section that is
 * cut off, or a value that the schema does not admit.
 *
 * @category errors
 * @since 0.1.0
 */
export class MetaInvalid extends Schema.TaggedError<MetaInvalid>()("MetaInvalid", {
  /** The member's name. */
  member: Schema.String,
  /** The section that was read. */
  section: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `section "${sentence(this.section)}" in the metadata of member "${
      shownName(this.member)
    }" does not decode: ${sentence(this.reason)}; expected a value of a compatible schema, written by MemberMeta`
  }
}

/**
 * This node's own metadata is none that a section could be added to, and is left as it is.
 *
 * @category errors
 * @since 0.1.0
 */
export class MetaForeign extends Schema.TaggedError<MetaForeign>()("MetaForeign", {
  /** Its first bytes, at most eight, in hexadecimal. */
  begins: Schema.String,
  size: Schema.Int,
  reason: Schema.String
}) {
  override get message() {
    return `this node's metadata, ${this.size} bytes that begin with ${this.begins}, cannot take typed values: ${
      sentence(this.reason)
    }; expected none (leave "meta" out of the configuration, and call updateMeta with no bytes of another kind), or `
      + "bytes that MemberMeta's encode returned"
  }
}

/**
 * A value that its schema does not encode, or not so that it can be decoded.
 *
 * @category errors
 * @since 0.1.0
 */
export class MetaUnencodable extends Schema.TaggedError<MetaUnencodable>()("MetaUnencodable", {
  section: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `the value for section "${sentence(this.section)}" of this node's metadata does not fit its schema: ${
      sentence(this.reason)
    }`
  }
}

/** A name, and bytes. */
const Part = Schema.Struct({ name: Schema.String, size: Schema.Int })

const partsText = (parts: ReadonlyArray<typeof Part.Type>) =>
  parts.map(({ name, size }) => `${shownName(name)} ${size}`).join(", ")

/**
 * The metadata would be over 512 bytes.
 *
 * @category errors
 * @since 0.1.0
 */
export class MetaFull extends Schema.TaggedError<MetaFull>()("MetaFull", {
  size: Schema.Int,
  limit: Schema.Int,
  /** The section that was to be written. */
  section: Schema.String,
  /** All sections there would be, each with its name and lengths. Beside them there are three bytes of a head. */
  sections: Schema.Array(Part),
  /**
   * The fields of the value that was to be written, each measured by itself: a text that occurs twice can cost less
   * together. None where the schema is no structure.
   */
  fields: Schema.Array(Part)
}) {
  override get message() {
    const { fields, limit, section, sections, size } = this
    const all = fields.length === 0 ? "" : `; fields of ${shownName(section)}, each by itself: ${partsText(fields)}`
    return `member metadata is ${size} bytes; at most ${limit} fit (sections: ${partsText(sections)}${all})`
  }
}

/**
 * Another layer announces a section of this name on this node already.
 *
 * @category errors
 * @since 0.1.0
 */
export class MetaNameTaken extends Schema.TaggedError<MetaNameTaken>()("MetaNameTaken", {
  section: Schema.String
}) {
  override get message() {
    return `this node announces a section "${sentence(this.section)}" already; expected one layer for each name: give `
      + "MemberMeta.make another name"
  }
}
