// The presentation: the pictures of a page with their loss curves, formulas and sentences fill the window. While <html> has the
// attribute data-presenting, presentation.css places them and hides everything else. Precedes player.js and formulas.js.
//
// Other components can build on `window.presentation`:
//   on: whether the page is being presented; `set(on)` changes that
//   keys: Map from a key of the keyboard to a function, called while presenting, before the player's own keys
//   frame: { figures, shown, last, phase } of the player, see `player` in __init__.py
// and on these events of `document`:
//   "presentation": `on` has changed; `detail.followed` is whether because the address has changed
//   "frame": another frame is shown, with `frame` as detail
//   "step": before the frame with the index `detail.to` is shown by a key or by a button; `preventDefault()` keeps the frame

const presentation = (window.presentation ??= (() => {
  const self = { on: false, frame: null, keys: new Map() };
  const inAddress = () => new URL(location.href).searchParams.get("present") === "1";
  self.set = (on, followed = false) => {
    if (self.on === on) return;
    self.on = on;
    document.documentElement.toggleAttribute("data-presenting", on);
    self.writeAddress();
    document.dispatchEvent(new CustomEvent("presentation", { detail: { followed } }));
  };
  // Streamlit writes addresses without knowing whether the page is being presented
  self.writeAddress = () => {
    if (inAddress() === self.on) return;
    const url = new URL(location.href);
    self.on ? url.searchParams.set("present", "1") : url.searchParams.delete("present");
    history.replaceState(history.state, "", url);
  };
  self.readAddress = () => self.set(inAddress(), true);
  addEventListener("popstate", self.readAddress);
  return self;
})());
