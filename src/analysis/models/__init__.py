"""What customers will do: how often they will buy, what they will spend, how long a contract will last."""
