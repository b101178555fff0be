import type { Application } from '@wheelhouse/shared/resources/application';
import type { Problem } from '../store/derived.ts';

/** Argo CD's name of the cluster that the control plane runs in, and its URL. */
export const inCluster = { name: 'in-cluster', server: 'https://kubernetes.default.svc' } as const;

export interface Destination {
  name: string;
  server: string;
  /** Names that the cluster had before, which still mean it. */
  formerNames?: string[];
}

/** The clusters that an Application may name. */
export interface Destinations {
  list(): Destination[];
  findByName(name: string): Destination | undefined;
  findByServer(server: string): Destination | undefined;
}

/**
 * Which cluster an Application goes to (Argo CD: exactly one of server and name). `https://kubernetes.default.svc`
 * stands for the cluster named `in-cluster` even when no such cluster is registered: an App of Apps needs none.
 */
export function findDestination(
  application: Application,
  destinations: Destinations,
): { cluster?: string; hubOnly?: boolean; problem?: Problem } {
  const { name, server } = application.spec.destination;
  if (name && server) return invalid(application, 'names both destination.name and destination.server: keep one');
  if (server?.replace(/\/$/, '') === inCluster.server || name === inCluster.name)
    return { cluster: inCluster.name, hubOnly: destinations.findByName(inCluster.name) === undefined };
  if (name) return known(application, destinations.findByName(name), `name '${name}'`);
  if (server) return known(application, destinations.findByServer(server.replace(/\/$/, '')), `server '${server}'`);
  return invalid(application, 'has no destination: set destination.server or destination.name');
}

function known(
  application: Application,
  destination: Destination | undefined,
  what: string,
): { cluster?: string; problem?: Problem } {
  if (destination) return { cluster: destination.name };
  return {
    problem: {
      code: 'UnknownDestination',
      message: `application ${application.metadata.name} goes to a cluster with ${what}, and there is none: see 'wheelhouse cluster list', or register it with 'wheelhouse cluster token'`,
    },
  };
}

function invalid(application: Application, what: string): { problem: Problem } {
  return { problem: { code: 'Invalid', message: `application ${application.metadata.name} ${what}` } };
}

export interface Inventory {
  /** With those that are announced and not enrolled yet. */
  enrolled(): (Destination & { project?: string })[];
  onChange(listener: () => void): Disposable;
}

/** Enrolled clusters as destinations, by name and by address. A name that a cluster had before still means it. */
export function createDestinations(inventory: Inventory): Destinations {
  let all: Destination[] | undefined;
  let byName: Map<string, Destination> | undefined;
  let byServer: Map<string, Destination> | undefined;
  const index = (key: (destination: Destination) => string) =>
    new Map(inventory.enrolled().map((one) => [key(one), one]));
  inventory.onChange(() => {
    all = undefined;
    byName = undefined;
    byServer = undefined;
  });
  return {
    list: () => (all ??= inventory.enrolled()),
    findByName: (name) => (byName ??= new Map([...formerly(inventory), ...index((one) => one.name)])).get(name),
    findByServer: (server) => (byServer ??= index((one) => one.server.replace(/\/$/, ''))).get(server),
  };
}

function formerly(inventory: Inventory): [string, Destination][] {
  return inventory
    .enrolled()
    .flatMap((one) => (one.formerNames ?? []).map((name): [string, Destination] => [name, one]));
}
