import { expect, it } from 'vitest';
import { createDestinations, type Destination } from './destination.ts';

interface Enrolled extends Destination {
  formerNames?: string[];
}

function createInventory(names: Enrolled[]) {
  const listeners: (() => void)[] = [];
  const state = { names, reads: 0 };
  const destinations = createDestinations({
    enrolled: () => {
      state.reads += 1;
      return state.names;
    },
    onChange: (listener) => {
      listeners.push(listener);
      return { [Symbol.dispose]: () => undefined };
    },
  });
  const change = (next: Enrolled[]) => {
    state.names = next;
    for (const listener of listeners) listener();
  };
  return { destinations, change, reads: () => state.reads };
}

const east = { name: 'east', server: 'https://east.example/' };
const west = { name: 'west', server: 'https://west.example', formerNames: ['far-west'] };

it('finds a cluster by its name, a name that it had, and its address without the last slash', () => {
  const { destinations } = createInventory([east, west]);
  expect(destinations.findByName('east')).toBe(east);
  expect(destinations.findByName('far-west')).toBe(west);
  expect(destinations.findByServer('https://east.example')).toBe(east);
  expect(destinations.findByName('north')).toBeUndefined();
});

it('reads the inventory once, however many Applications ask, and again after a change', () => {
  const { destinations, change, reads } = createInventory([east]);
  for (let asked = 0; asked < 100; asked += 1) expect(destinations.list()).toEqual([east]);
  expect(reads()).toBe(1);
  change([east, west]);
  expect(destinations.list()).toEqual([east, west]);
  expect(destinations.findByName('west')).toBe(west);
});
