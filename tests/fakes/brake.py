"""The brake without a file: what people did and what the bot did are told apart."""


class FakeBrake:
    def __init__(self) -> None:
        self.halt_file = False
        self.ours = False

    def pulled(self) -> bool:
        return self.halt_file or self.ours

    def pull(self) -> None:
        self.ours = True

    def pulled_by_us(self) -> bool:
        return self.ours

    def release_ours(self) -> None:
        self.ours = False
