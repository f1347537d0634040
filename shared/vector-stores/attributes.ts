/** Which attribute has values of which type: that of the first one that came. */
export type AttributeTypes = Readonly<Record<string, 'string' | 'number' | 'boolean'>>;
