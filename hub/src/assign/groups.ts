/** Ids by the group that they are in; one may be in several. An empty group takes no memory. */
export interface Groups {
  of(group: string): Iterable<string>;
  add(group: string, id: string): void;
  remove(group: string, id: string): void;
}

export function createGroups(): Groups {
  const groups = new Map<string, Set<string>>();
  return {
    of: (group) => groups.get(group) ?? [],
    add: (group, id) => {
      const ids = groups.get(group);
      if (ids) ids.add(id);
      else groups.set(group, new Set([id]));
    },
    remove: (group, id) => {
      const ids = groups.get(group);
      ids?.delete(id);
      if (ids?.size === 0) groups.delete(group);
    },
  };
}
