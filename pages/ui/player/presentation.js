// The presentation: the pictures of a page with their loss curves, formulas and sentences fill the window. While <html> has the
// attribute data-presenting, presentation.css places them and hides everything else. Precedes player.js and formulas.js.
//
// window.presentation:
//   on: whether the page is being presented; `set(on)` changes that
//   frame: { figures, shown } of the player, see `player` in __init__.py
// Events of `document`:
//   "presentation": `on` has changed; `detail.followed` is whether because the address has changed
//   "frame": another frame is shown

const presentation = (window.presentation ??= (() => {
  const self = { on: false, frame: null };
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
