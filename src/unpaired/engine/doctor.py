class Doctor:
    def __init__(self, chance): pass
    def losses(self, means): pass
    def look(self, step, samples): return []
